"""Family-wise levels of full stars, hollow stars and daggers in studies in which no row differs from another."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.analysis.comparison import Comparison, DocumentLevel
from harness.analysis.design import RowKey
from harness.analysis.marks import DAGGER, HOLLOW, STAR, marked
from harness.analysis.summarise import find
from harness.config.schema import SweepFile
from harness.stats.document_variance import crossed
from harness.stats.multiple_testing import star_levels
from harness.stats.permutation_tests import sign_flip
from harness.stats.t_tests import TTest
from tests.harness.fake_sweep import facts, noisy, sweep

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]
NUM_STUDIES = 2000
NUM_DOCUMENTS = 150
"""Few test documents: what they tell of their own variance is 12 % off."""
FIVE = tuple(range(5))
EIGHT = {"seeds": FIVE, "datasets": {"wos": {}}}
"""Two models, two variants, one dataset, two metrics."""
LARGE = {"seeds": FIVE, "models": {name: {"model": "hiagm"} for name in "abcd"}}
"""Twice as many models as Table 1: 16 averages and 48 single comparisons."""


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return generator.normal(0, 0.3, shape)


def two_basins(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Runs that end in one of two optima, 3 points apart."""
    basin = 3.0 * (generator.random(shape) < 0.5)
    return basin + generator.normal(0, 0.1, shape)


def limit(level: float) -> float:
    """The share of studies that a true level exceeds in one simulation of twenty."""
    return level + 1.645 * (level * (1 - level) / NUM_STUDIES) ** 0.5


def simulated(planned: SweepFile, draw: Draw, document_sd: float) -> dict[str, float]:
    """Marks studies without an effect by the rule of the reports, and returns how often a family has some mark.

    The share is that of the family that has it more often. `any` is that of a dagger that could also stand beside
    a hollow star, `uncorrected` that of one wherever a star stands and the crossed interval excludes 0.

    Args:
        planned: Sweep file, of runs that pair.
        draw: Draws scores; all runs share their law, and contrasts their rows.
        document_sd: Standard deviation of the error of a row's score that is due to the test documents.
    """
    generator = np.random.default_rng(0)
    alpha, template = planned.statistics.alpha, find(planned, noisy(planned), facts(planned)).comparisons
    contrasts = list(dict.fromkeys(item.contrast for item in template))
    rows = list(dict.fromkeys(RowKey(*row) for row in planned.rows))
    axes = (contrasts, list(planned.datasets), planned.statistics.star_metrics)
    places = dict(zip(product(*axes), np.ndindex(*map(len, axes)), strict=True))
    shape = (NUM_STUDIES, len(rows), *map(len, axes[1:]))
    scores = draw(generator, (*shape, len(planned.seeds)))
    scores += generator.normal(0, document_sd, (*shape, 1))
    ends = np.array([[rows.index(row) for row in contrast] for contrast in contrasts])
    known = generator.chisquare(NUM_DOCUMENTS - 1, (NUM_STUDIES, *map(len, axes))) / (NUM_DOCUMENTS - 1)
    hits: Counter[tuple[str | None, str]] = Counter()
    for score, variance in zip(scores, 2 * document_sd**2 * known, strict=True):
        difference = score[ends[:, 0]] - score[ends[:, 1]]
        items = []
        for item in template:
            at = [places[item.contrast, dataset, item.column.metric] for dataset in item.column.datasets]
            items.append(_light(item, [difference[one] for one in at], [float(variance[one]) for one in at]))
        if min(item.test.p for item in items) < alpha / 8:  # Else no family has a star that could be full.
            items = [replace(item, p_exact=sign_flip([*item.differences])) for item in items]
        found = marked(planned, items)
        for family in dict.fromkeys(item.family for item in found):
            hits.update((family, kind) for kind in _kinds([item for item in found if item.family == family], alpha))
    kinds = {kind for _, kind in hits}
    return {kind: max(hits[family, kind] for family in ("averages", "datasets")) / NUM_STUDIES for kind in kinds}


def _light(item: Comparison, samples: list[Array], variances: list[float]) -> Comparison:
    """The comparison with other differences: what the rule of the marks reads of it."""
    found, both = crossed(samples, [0.0] * len(samples)), crossed(samples, variances)
    sizes, p = tuple(one.size for one in samples), found.p_two_sided()
    test = TTest("tested", sizes, found.value, 1.0, found.error, 0.0, found.df, p, *found.interval())
    documents = DocumentLevel(both, 0.5, 0.5) if any(variances) else None
    return replace(item, test=test, documents=documents, differences=tuple(samples), p_exact=1.0)


def _kinds(items: list[Comparison], alpha: float) -> set[str]:
    kinds = {kind for item in items for kind in (STAR, STAR * 2, STAR * 3, HOLLOW, HOLLOW * 3) if kind in item.marks}
    for item in items:
        starred = item.p_holm < alpha
        low, high = item.documents.crossed.interval() if item.documents else (-1.0, 1.0)
        kinds |= {DAGGER} if DAGGER in item.marks else set()
        kinds |= {"star"} if starred else set()
        kinds |= {"any"} if item.p_wider_holm < alpha else set()
        kinds |= {"uncorrected"} if starred and (low > 0 or high < 0) else set()
    return kinds


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plan", "draw", "document_sd"),
    [
        ({"seeds": FIVE}, normal, 0.0),
        ({}, normal, 0.0),
        ({"seeds": FIVE}, two_basins, 0.05),
        ({}, two_basins, 0.05),
        (EIGHT, normal, 0.0),
        (EIGHT, two_basins, 0.05),
        (LARGE, two_basins, 0.05),
        (EIGHT | {"compare": {"against": "hiagm/none"}}, two_basins, 0.05),
        (EIGHT | {"compare": "pairs"}, normal, 0.0),
        ({"compare": "pairs", "datasets": {"wos": {}}}, two_basins, 0.05),
    ],
)
def test_full_stars_and_daggers_hold_the_level_of_a_family(plan: dict, draw: Draw, document_sd: float) -> None:
    """Shares of full stars are at most .05, .01 and .001, and of daggers .05, up to the limit of 2,000 studies.

    Documents whose error is small against the seeds' leave the null of the seeds nearly as it is.
    """
    planned = sweep(**{"published": None, **plan})
    found = simulated(planned, draw, document_sd)
    print(len(planned.seeds), draw.__name__, dict(sorted(found.items())))
    for num, level in enumerate(star_levels(0.05), 1):
        assert found.get(STAR * num, 0.0) <= limit(level)
    assert found.get(DAGGER, 0.0) <= limit(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("plan", [{"seeds": FIVE}, {}])
def test_daggers_hold_their_level_where_the_documents_alone_differ(plan: dict) -> None:
    """On few documents variants differ that do not on others: stars are right to stand there, daggers are not."""
    found = simulated(sweep(**{"published": None, **plan}), normal, 0.3)
    print(dict(sorted(found.items())))
    assert found.get(DAGGER, 0.0) <= limit(0.05)
    assert found["uncorrected"] > 0.14 and found["star"] > 0.5
