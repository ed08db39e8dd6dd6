"""Planned comparisons: sizes of families, what seeds can reach, why nothing is compared."""

import math

import pytest

from harness.analysis.design import num_comparisons, reachable, why_no_comparisons
from harness.config.schema import SweepFile
from harness.reporting.markdown import markdown
from tests.harness.fake_sweep import (
    noisy,
    summary_of,
    sweep,
)


def test_family_sizes_of_other_plans():
    assert num_comparisons(sweep(datasets={"wos": {}}, published=None)) == {"averages": 0, "datasets": 8}
    without_base = sweep(merges=("masking", "projection"), published=None, compare="base")
    assert num_comparisons(without_base) == {"averages": 0, "datasets": 0}
    control = sweep(models={"hiagm": {}, "flat": {"control": True}}, published=None)
    assert num_comparisons(control) == {"averages": 4, "datasets": 12}


@pytest.mark.parametrize(("num_seeds", "least"), [(5, 24 * 2 / 252), (10, 24 * 2 / 184_756)])
def test_what_whole_arms_can_reach(num_seeds: int, least: float) -> None:
    planned = sweep(statistics={"paired": False}, seeds=tuple(range(num_seeds)))
    assert reachable(planned, "datasets") == (pytest.approx(least), 7)
    assert reachable(planned, "averages") == (pytest.approx(8 * 2 / math.comb(2 * num_seeds, num_seeds) ** 3), 3)


def own(**merges: tuple[str, ...] | None) -> SweepFile:
    models = {name: {"model": "hiagm", **({"merges": chosen} if chosen else {})} for name, chosen in merges.items()}
    return sweep(models=models, published=None, compare="base")


@pytest.mark.parametrize(
    ("merges", "words"),
    [
        ({"one": ("none",), "other": ("masking",)}, "no model that is not a control has the base merge"),
        ({"one": ("projection",), "other": ("masking",)}, "the base merge 'none' is not among"),
        ({"one": ("none",), "other": ("none",)}, "there is no merge but the base merge"),
    ],
)
def test_a_sweep_that_compares_nothing_says_why(merges: dict[str, tuple[str, ...]], words: str) -> None:
    planned = own(**merges)
    assert words in why_no_comparisons(planned)
    findings = summary_of(planned, noisy(planned))
    assert findings.comparisons == () and f"No comparisons: {words}" in markdown(findings)
