"""Captions say what the controls of a sweep are for, and no more."""

import re

import pytest

from harness.reporting.markdown import markdown
from tests.harness.fake_sweep import sweep
from tests.harness.reporting.reports import fixed, grid, summary_of


def test_controls_have_a_table_and_a_sentence_of_their_own():
    with_control = sweep(models={"hiagm": {}, "flat": {"label": "Flat", "control": True}}, published=None)
    text = markdown(summary_of(with_control, fixed(with_control)))
    assert [row[0] for row in grid(text)[2:]] == ["hiagm", "hiagm+MTL (masking)", "hiagm+MTL (projection)"]
    rows = grid(text, "Controls")
    assert rows[3][0] == "Flat+MTL (masking)"
    assert re.fullmatch(r"81\.00 ± 0\.3\d<br>Δ \+1\.00 \[\+0\.\d\d, \+1\.\d\d\]", rows[3][1])
    assert "Flat has no structure encoder: on a tree, what is gained or lost there under a merge" in text
    assert "On a tree, masking has the flat model's own loss and other random numbers; projection only" in text
    assert "random split" not in text and "Copies" not in text
    assert "Holm over 12 tests" in text


def test_controls_of_the_split_have_a_sentence_each():
    controls = {split: {"model": "flat", "split": split, "control": True} for split in ("level", "random", "copies")}
    split = sweep(models={"hiagm": {}, **controls}, published=None)
    text = markdown(summary_of(split, fixed(split)))
    assert "A split by level gives each level of the hierarchy a head" in text
    assert "A random split gives the heads random sets of labels" in text
    assert "Copies are as many heads over all labels" in text
    assert "no structure encoder" not in text


@pytest.mark.parametrize(
    ("control", "is_said"),
    [
        ({"model": "flat"}, True),
        ({"model": "flat", "objective": {"name": "conditional_sigmoid"}}, False),
        ({"model": "c_hmcnn"}, False),
        ({"model": "c_hmcnn", "objective": {"name": "bce"}}, True),
        ({"model": "hitin"}, False),
    ],
)
def test_a_control_isolates_the_weighting_of_the_loss_where_nothing_reads_the_hierarchy(control, is_said):
    one = sweep(models={"hiagm": {}, "it": {"label": "It", "control": True, **control}}, published=None)
    assert ("It has no structure encoder: on a tree" in markdown(summary_of(one, fixed(one)))) == is_said
