"""Ranks and distances of a sweep: which rows, by which tests."""

import math

import numpy as np
import pytest

from harness.analysis.ranking import LEAST_ROWS
from tests.harness.fake_sweep import noisy, results, summary_of, sweep, without

MODELS = {
    "one": {"model": "flat", "label": "One"},
    "two": {"model": "flat", "label": "Two"},
    "aside": {"model": "flat", "label": "Aside", "control": True},
    "linear": {"control": True},
    "constant": {"control": True},
}
HEIGHT = {"one": 80.0, "two": 84.0, "aside": 81.0, "linear": 82.0, "constant": 30.0}


def flat_sweep(**changes):
    return sweep(
        **{
            "models": MODELS,
            "merges": ("none",),
            "datasets": {"wos": {"label": "WOS"}, "nyt": {"label": "NYT"}},
            "seeds": (1, 2, 3, 4, 5),
            "published": None,
            **changes,
        }
    )


def runs(sweep_file, sd=0.3):
    rng = np.random.default_rng(3)
    fixed = ("linear", "constant")
    return results(sweep_file, lambda model, *_: HEIGHT[model] + float(rng.normal(0, sd) * (model not in fixed)))


def test_ranks_are_of_rows_that_are_no_controls_and_of_linear():
    found = summary_of(flat_sweep(), runs(flat_sweep()))
    assert len(found.ranks) == len(found.columns)
    for ranked in found.ranks:
        assert [(one.title, one.rank, one.interval) for one in ranked] == [
            ("Two", 1, (1, 1)),
            ("linear", 2, (2, 2)),
            ("One", 3, (3, 3)),
        ]


def test_ranks_have_the_level_of_the_sweep():
    wide = flat_sweep(statistics={"alpha": 1e-9})
    for ranked in summary_of(wide, runs(wide)).ranks:
        assert {one.interval for one in ranked} == {(1, 3)}


def test_rows_that_cannot_be_told_apart_share_an_interval():
    planned = flat_sweep()
    (ranked, *_) = summary_of(planned, runs(planned, sd=20.0)).ranks
    assert {one.interval for one in ranked} == {(1, 3)} and sorted(one.rank for one in ranked) == [1, 2, 3]


@pytest.mark.parametrize("lost", [(1,), (1, 2)])
def test_below_five_pairs_no_rank_is_narrowed(lost):
    planned = flat_sweep()
    found = runs(planned)
    for seed in lost:
        found = without(found, model="one", dataset="wos", seed=seed)
    (ranked, *_) = summary_of(planned, found).ranks
    assert {one.title: one.interval for one in ranked}["One"] == (1, 3)


def test_a_row_without_scores_has_no_rank_and_may_be_anywhere_for_the_others():
    planned = flat_sweep()
    (ranked, *_) = summary_of(planned, without(runs(planned), model="two", dataset="wos")).ranks
    assert [(one.title, one.rank, one.interval) for one in ranked] == [("linear", 1, (1, 2)), ("One", 2, (2, 3))]


def test_two_rows_are_not_ranked():
    planned = sweep(models={"hiagm": {}}, merges=("none", "masking"), published=None)
    assert LEAST_ROWS == 3 and not any(summary_of(planned, noisy(planned)).ranks)


def test_distances_are_those_of_means_and_of_controls_too():
    planned = flat_sweep()
    found = summary_of(planned, runs(planned))
    table = {
        (row.model, column.title): cell.mean
        for row in found.rows
        for column, cell in zip(found.columns, row.cells, strict=True)
    }
    assert {item.contrast.row.model for item in found.distances} == {"one", "two", "aside", "constant"}
    for item in found.distances:
        expected = table[item.contrast.row.model, item.column.title] - table["linear", item.column.title]
        assert item.test.difference == pytest.approx(expected) and item.family is None
        # Two single runs have no error without predictions.
        assert math.isnan(item.interval[0]) == (item.contrast.row.model == "constant")
    assert {model for model, _ in found.below_linear} == {"one", "aside", "constant"}
    without_linear = flat_sweep(models={key: MODELS[key] for key in ("one", "two")})
    assert summary_of(without_linear, runs(without_linear)).distances == ()
