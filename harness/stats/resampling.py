"""Bootstrap and approximate randomisation over documents, with whole predictions of a document moved together.

What is resampled are *units*, whichever are fewest: documents with equal counts are interchangeable and drawn as
one pattern (exact); up to 50,000 documents are drawn one by one (exact); more are dealt at random into 4,000 bins
that are drawn whole, which keeps the variance of the bootstrap (its standard error is good to 1 / sqrt(2 bins) =
1.1 %) and the level of the randomisation test, whose swaps are then a subgroup of all swaps. Sums over units are
products of whole numbers, exact in single precision up to 2^24.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.stats.distributions import Array
from harness.stats.document_variance import Counts, Metric, by_metric, mean_f

MOST_DOCUMENTS = 50_000
NUM_BINS = 4_000
_LEAST_COLLAPSE = 10
"""Documents per pattern from which on patterns are worth their multinomial draws."""
_CHUNK = 8_000_000
_MOST_BYTES = 400 * 2**20
_TOLERANCE = 1e-10
_DEALING, _DRAWING = range(2)

Ints = NDArray[np.int64]
Weights = NDArray[np.float32]
Draw = Callable[[np.random.Generator, int], Weights]
Seed = tuple[int, ...]


def seed_of(root: int, key: str) -> Seed:
    """Returns the seed of one comparison, which depends on its name and on nothing that ran before it."""
    return root, zlib.crc32(key.encode())


def bootstrap(systems: Sequence[Counts], metric: Metric, seed: Seed, num_resamples: int) -> Array:
    """Draws documents with replacement, the same ones for every system.

    A resampled *level* of macro F lies below the observed one, because F is concave in the counts of rare labels;
    only differences between systems are to be used.

    Args:
        systems: Runs on the same documents.
        metric: Metric to compute.
        seed: Seed; equal seeds give equal draws, for whatever systems.
        num_resamples: Number B of draws.

    Returns:
        F in points, (systems, B).

    Source:
        Koehn 2004, Statistical significance tests for machine translation evaluation.
    """
    chosen = [by_metric(one, metric) for one in systems]
    units = _units(chosen, seed)
    draw = _multinomial(units.sizes) if units.are_patterns else _with_replacement(units.sizes.size)
    found = np.empty((len(chosen), num_resamples))
    width = 2 * 4 * units.sizes.size * chosen[0].right.shape[1]
    at_once = max(1, _MOST_BYTES // width)
    for start in range(0, len(chosen), at_once):
        batch = [_table(one, units) for one in chosen[start : start + at_once]]
        for rows, weights in _draws(draw, seed, num_resamples, units.sizes.size):
            for place, table in enumerate(batch, start):
                found[place, rows] = mean_f(*np.split(weights @ table, 2, axis=1))
    return found


def randomisation(pairs: Sequence[tuple[Counts, Counts]], metric: Metric, seed: Seed, num_resamples: int) -> float:
    """Returns the two-sided p of approximate randomisation, conditional on the trained models.

    With probability 1/2 a document's predictions are swapped between the two systems, for all seeds together; the
    statistic is the mean over seeds of the difference in F; p = (1 + hits) / (B + 1). It says nothing of other seeds.

    Args:
        pairs: Variant and base of each seed, all on the same documents.
        metric: Metric to compare.
        seed: Seed of the swaps.
        num_resamples: Number B of swap patterns.

    Source:
        Noreen 1989; Yeh 2000, More accurate tests for the statistical significance of result differences.
    """
    runs = [_Swaps(*(by_metric(one, metric) for one in pair)) for pair in pairs]
    discordant = np.flatnonzero(np.sum([one.num_changed for one in runs], axis=0))
    if not discordant.size:
        return 1.0
    moved = [Counts(one.moved.right[discordant], one.moved.size[discordant]) for one in runs]
    units = _units(moved, seed)
    draw = _binomial(units.sizes) if units.are_patterns else _halves(units.sizes.size)
    tables = [_table(one, units) for one in moved]
    observed = np.mean([one.difference(np.zeros((1, table.shape[1]))) for one, table in zip(runs, tables, strict=True)])
    hits = 0
    for _, swaps in _draws(draw, seed, num_resamples, units.sizes.size):
        found = np.mean([one.difference(swaps @ table) for one, table in zip(runs, tables, strict=True)], axis=0)
        hits += int(np.sum(np.abs(found) >= abs(observed) - _TOLERANCE))
    return (1 + hits) / (1 + num_resamples)


class _Swaps:
    """One seed's two systems, and what swapping documents between them moves."""

    def __init__(self, variant: Counts, base: Counts):
        self._totals = [
            np.concatenate([part.sum(0, dtype=float) for part in (one.right, one.size)]) for one in (variant, base)
        ]
        self.moved = Counts(base.right - variant.right, base.size - variant.size)
        # A difference of sparse arrays keeps no zeros.
        self.num_changed = np.diff(self.moved.right.indptr) + np.diff(self.moved.size.indptr)

    def difference(self, moved: NDArray[np.floating]) -> Array:
        """Returns F of the variant minus F of the base after moving counts, (B, 2L), from one to the other."""
        variant, base = (
            np.split(total + sign * moved, 2, axis=-1) for total, sign in zip(self._totals, (1, -1), strict=True)
        )
        return mean_f(*variant) - mean_f(*base)


class _Units(NamedTuple):
    """Each document's unit, the number of documents of each unit, and whether units are patterns."""

    of_document: Ints
    sizes: Ints
    are_patterns: bool


def _units(runs: Sequence[Counts], seed: Seed) -> _Units:
    num_documents, num_labels = runs[0].right.shape
    if num_labels == 1:
        columns = [part.toarray()[:, 0].astype(np.int64) for one in runs for part in (one.right, one.size)]
        patterns = _patterns(columns)
        sizes = np.bincount(patterns)
        if sizes.size * _LEAST_COLLAPSE <= num_documents:
            return _Units(patterns, sizes, True)
    if num_documents <= MOST_DOCUMENTS:
        return _Units(np.arange(num_documents), np.ones(num_documents, dtype=np.int64), False)
    dealt = np.random.default_rng([*seed, _DEALING]).permutation(np.arange(num_documents) % NUM_BINS)
    return _Units(dealt, np.bincount(dealt), False)


def _patterns(columns: Sequence[Ints]) -> Ints:
    """Numbers the distinct rows of some columns of small whole numbers."""
    code = np.zeros(columns[0].size, dtype=np.int64)
    for column in columns:
        code = code * (int(np.ptp(column)) + 1) + column - column.min()
        code = np.unique(code, return_inverse=True)[1].astype(np.int64)
    return code


def _table(counts: Counts, units: _Units) -> Weights:
    """Returns what each unit adds to `right` and `size` of each label, (units, 2L); of a pattern, each document."""
    shape = units.sizes.size, counts.right.shape[1]
    parts: list[Array] = []
    for part in (counts.right, counts.size):
        places = np.repeat(units.of_document, np.diff(part.indptr)) * shape[1] + part.indices
        parts.append(np.bincount(places, part.data, shape[0] * shape[1]).astype(float).reshape(shape))
    table: Array = np.concatenate(parts, axis=1)
    # A draw can hold more than all documents, but never twice as many.
    assert np.abs(table).sum(0).max(initial=0) < 2**23, "sums are exact in single precision"
    return (table / units.sizes[:, None] if units.are_patterns else table).astype(np.float32)


def _draws(draw: Draw, seed: Seed, num_resamples: int, num_units: int) -> Iterator[tuple[slice, Weights]]:
    """Yields weights, (part of B, units), the same ones for the same seed."""
    generator = np.random.default_rng([*seed, _DRAWING])
    size = max(1, _CHUNK // num_units)
    for start in range(0, num_resamples, size):
        rows = slice(start, min(start + size, num_resamples))
        yield rows, draw(generator, rows.stop - rows.start)


def _with_replacement(num_units: int) -> Draw:
    def draw(generator: np.random.Generator, size: int) -> Weights:
        places = generator.integers(0, num_units, size=(size, num_units), dtype=np.int32)
        places += num_units * np.arange(size, dtype=np.int32)[:, None]
        return np.bincount(places.ravel(), minlength=size * num_units).reshape(size, -1).astype(np.float32)

    return draw


def _multinomial(sizes: Ints) -> Draw:
    return lambda generator, size: generator.multinomial(sizes.sum(), sizes / sizes.sum(), size).astype(np.float32)


def _binomial(sizes: Ints) -> Draw:
    return lambda generator, size: generator.binomial(sizes, 0.5, (size, sizes.size)).astype(np.float32)


def _halves(num_units: int) -> Draw:
    def draw(generator: np.random.Generator, size: int) -> Weights:
        bits = np.frombuffer(generator.bytes(-(-size * num_units // 8)), dtype=np.uint8)
        return np.unpackbits(bits, count=size * num_units).reshape(size, -1).astype(np.float32)

    return draw
