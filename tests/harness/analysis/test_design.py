"""Planned comparisons: sizes of families, what seeds can reach, why nothing is compared."""

import math

import pytest

from harness.analysis.design import (
    control_contrasts,
    designs,
    has_seeds,
    num_comparisons,
    planned_contrasts,
    reachable,
    why_no_comparisons,
)
from harness.config.schema import SweepFile
from harness.reporting.markdown import markdown
from harness.stats.pairing import Constant
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


def test_planned_contrasts_by_rule():
    models = {"a": {"model": "hiagm"}, "b": {"model": "flat"}, "c": {"model": "flat", "control": True}, "linear": {}}
    data = {"models": models, "merges": ("none", "masking"), "published": None, "datasets": {"wos": {}}}
    names = {
        "base": ["a/masking a/none", "b/masking b/none"],
        "pairs": ["a/masking a/none", "b/none a/none", "b/masking a/none", "linear/none a/none"]
        + ["b/none a/masking", "b/masking a/masking", "linear/none a/masking"]
        + ["b/masking b/none", "linear/none b/none", "linear/none b/masking"],
        "contrasts": [],
    }
    single = (("a/masking", "c/masking"), ("linear", "b/none"))
    for rule, expected in names.items():
        planned = sweep(**data, compare=rule, contrasts=single)
        found = [" ".join(map(str, contrast)) for contrast in planned_contrasts(planned)]
        kept = [one for one in expected if one != "linear/none b/none"]
        assert found == [*kept, "a/masking c/masking", "linear/none b/none"]
        assert num_comparisons(planned) == {"averages": 0, "datasets": 2 * len(found)}
    planned = sweep(**data, compare={"against": "linear"})
    assert [str(one.row) for one in planned_contrasts(planned)] == ["a/none", "a/masking", "b/none", "b/masking"]
    assert {str(one.against) for one in planned_contrasts(planned)} == {"linear/none"}
    assert [" ".join(map(str, one)) for one in control_contrasts(planned)] == [
        "c/none linear/none",
        "c/masking linear/none",
    ]


def test_the_design_of_a_contrast_follows_its_rows():
    planned = sweep(models={"a": {"model": "hiagm"}, "linear": {}}, merges=("none",), published=None)
    (contrast,) = planned_contrasts(planned)
    assert designs(planned) == [Constant] and has_seeds(planned, contrast)
    assert reachable(planned, "datasets") == (pytest.approx(6 * 2 / 2**10), 8)
    two = sweep(models={"constant": {}, "linear": {}}, merges=("none",), published=None)
    assert not has_seeds(two, *planned_contrasts(two))
