"""Bootstrap and approximate randomisation over documents, with whole predictions of a document moved together.

What is resampled are *units*, whichever are fewest: documents with equal counts are interchangeable and drawn as
one pattern (exact); up to 50,000 documents are drawn one by one (exact); more are dealt at random into 4,000 bins
that are drawn whole, which keeps the variance of the bootstrap (its standard error is good to 1 / sqrt(2 bins) =
1.1 %) and the level of the randomisation test, whose swaps are then a subgroup of all swaps. Sums over units are
products of whole numbers, exact in single precision up to 2^24.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

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

Units = NDArray[np.int64]
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
    units, sizes, is_pattern = _bootstrap_units(chosen, seed)
    draw = _multinomial(sizes) if is_pattern else _with_replacement(sizes.size)
    found = np.empty((len(chosen), num_resamples))
    width = 2 * 4 * sizes.size * chosen[0].right.shape[1]
    at_once = max(1, _MOST_BYTES // width)
    for start in range(0, len(chosen), at_once):
        batch = [_table(one, units, sizes, is_pattern) for one in chosen[start : start + at_once]]
        for rows, weights in _draws(draw, seed, num_resamples, sizes.size):
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
    arms = [tuple(by_metric(one, metric) for one in pair) for pair in pairs]
    tables = [_Swaps(*arm) for arm in arms]
    discordant = np.flatnonzero(np.sum([one.num_changed for one in tables], axis=0))
    if not discordant.size:
        return 1.0
    units, sizes, is_pattern = _swap_units(tables, discordant, seed)
    draw = _binomial(sizes) if is_pattern else _halves(sizes.size)
    moved = [one.table(discordant, units, sizes, is_pattern) for one in tables]
    observed = np.mean([one.difference(np.zeros((1, 2 * one.num_labels))) for one in tables])
    hits = 0
    for _, swaps in _draws(draw, seed, num_resamples, sizes.size):
        found = np.mean([one.difference(swaps @ table) for one, table in zip(tables, moved, strict=True)], axis=0)
        hits += int(np.sum(np.abs(found) >= abs(observed) - _TOLERANCE))
    return (1 + hits) / (1 + num_resamples)


class _Swaps:
    """One seed's two systems, and what swapping documents between them moves."""

    def __init__(self, variant: Counts, base: Counts):
        self.num_labels = variant.right.shape[1]
        self._totals = [
            np.concatenate([part.sum(0, dtype=float) for part in (one.right, one.size)]) for one in (variant, base)
        ]
        self._moved = Counts(base.right - variant.right, base.size - variant.size)
        self.num_changed = sum(np.diff(_without_zeros(part).indptr) for part in (self._moved.right, self._moved.size))

    def columns(self, documents: Units) -> list[Units]:
        """Returns the dense columns of what each document moves; for one label only."""
        return [part[documents].toarray()[:, 0].astype(np.int64) for part in (self._moved.right, self._moved.size)]

    def table(self, documents: Units, units: Units, sizes: Units, is_pattern: bool) -> Weights:
        part = Counts(self._moved.right[documents], self._moved.size[documents])
        return _table(part, units, sizes, is_pattern)

    def difference(self, moved: NDArray[np.floating]) -> Array:
        """Returns F of the variant minus F of the base after moving counts, (B, 2L), from one to the other."""
        variant, base = (
            np.split(total + sign * moved, 2, axis=-1) for total, sign in zip(self._totals, (1, -1), strict=True)
        )
        return mean_f(*variant) - mean_f(*base)


def _without_zeros(part: sparse.csr_array) -> sparse.csr_array:
    kept = part.copy()
    kept.eliminate_zeros()
    return kept


def _bootstrap_units(systems: Sequence[Counts], seed: Seed) -> tuple[Units, Units, bool]:
    """Returns each document's unit, the documents of each unit, and whether units are patterns."""
    num_documents, num_labels = systems[0].right.shape
    columns = []
    if num_labels == 1:
        columns = [part.toarray()[:, 0].astype(np.int64) for one in systems for part in (one.right, one.size)]
    return _units(num_documents, columns, seed)


def _swap_units(tables: Sequence[_Swaps], documents: Units, seed: Seed) -> tuple[Units, Units, bool]:
    columns = []
    if tables[0].num_labels == 1:
        columns = [column for one in tables for column in one.columns(documents)]
    return _units(documents.size, columns, seed)


def _units(num_documents: int, columns: Sequence[Units], seed: Seed) -> tuple[Units, Units, bool]:
    if columns:
        patterns = _patterns(columns)
        sizes = np.bincount(patterns)
        if sizes.size * _LEAST_COLLAPSE <= num_documents:
            return patterns, sizes, True
    if num_documents <= MOST_DOCUMENTS:
        return np.arange(num_documents), np.ones(num_documents, dtype=np.int64), False
    dealt = np.random.default_rng([*seed, _DEALING]).permutation(np.arange(num_documents) % NUM_BINS)
    return dealt, np.bincount(dealt), False


def _patterns(columns: Sequence[Units]) -> Units:
    """Numbers the distinct rows of some columns of small whole numbers."""
    code = np.zeros(columns[0].size, dtype=np.int64)
    for column in columns:
        code = code * (int(np.ptp(column)) + 1) + column - column.min()
        code = np.unique(code, return_inverse=True)[1].astype(np.int64)
    return code


def _table(counts: Counts, units: Units, sizes: Units, is_pattern: bool) -> Weights:
    """Returns what each unit adds to `right` and `size` of each label, (units, 2L); of a pattern, each document."""
    num_labels = counts.right.shape[1]
    parts: list[Array] = []
    for part in (counts.right, counts.size):
        rows = np.repeat(units, np.diff(part.indptr))
        places = rows * num_labels + part.indices
        sums = np.bincount(places, weights=part.data, minlength=sizes.size * num_labels).astype(float)
        parts.append(sums.reshape(sizes.size, num_labels))
    table: Array = np.concatenate(parts, axis=1)
    # A draw can hold more than all documents, but never twice as many.
    assert np.abs(table).sum(0).max(initial=0) < 2**23, "sums are exact in single precision"
    table = table / sizes[:, None] if is_pattern else table
    return table.astype(np.float32)


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


def _multinomial(sizes: Units) -> Draw:
    return lambda generator, size: generator.multinomial(sizes.sum(), sizes / sizes.sum(), size).astype(np.float32)


def _binomial(sizes: Units) -> Draw:
    return lambda generator, size: generator.binomial(sizes, 0.5, (size, sizes.size)).astype(np.float32)


def _halves(num_units: int) -> Draw:
    def draw(generator: np.random.Generator, size: int) -> Weights:
        bits = np.frombuffer(generator.bytes(-(-size * num_units // 8)), dtype=np.uint8)
        return np.unpackbits(bits, count=size * num_units).reshape(size, -1).astype(np.float32)

    return draw
