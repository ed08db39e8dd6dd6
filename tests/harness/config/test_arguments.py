"""A filter keeps the values that meet it, and one that can meet nothing is refused."""

import argparse
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config.arguments import FIELDS, add_sweep, parse_filters
from harness.config.load import load
from harness.config.schema import SweepFile
from harness.core.errors import ConfigError
from harness.trials.plan import Plan
from tests.conftest import SweepWriter

SWEEP = SweepFile.model_validate(
    {
        "name": "s",
        "models": {"hiagm": {"merges": ("masking",)}, "hitin": {}, "flat": {}},
        "merges": ("none", "projection"),
        "datasets": {"wos": {}, "synthetic": {}},
        "seeds": (3, 1, 2),
        "encoder": {"name": "bag"},
    }
)
VALUES = {
    "model": ["hiagm", "hitin", "flat"],
    "merge": ["masking", "none", "projection"],
    "dataset": ["wos", "synthetic"],
    "seed": [3, 1, 2],
}
ONE = st.sampled_from([(field, sign, value) for field in FIELDS for sign in ("=", "!=") for value in VALUES[field]])


@given(st.lists(ONE, max_size=5))
def test_what_is_left_meets_every_filter(filters: list[tuple[str, str, object]]) -> None:
    chosen = parse_filters(SWEEP, [f"{field}{sign}{value}" for field, sign, value in filters])
    expected = [
        trial
        for trial in product(*VALUES.values())
        if all((trial[FIELDS.index(field)] == value) == (sign == "=") for field, sign, value in filters)
    ]
    assert list(product(*(chosen[field] for field in FIELDS))) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("modle=hiagm", "Did you mean 'model'"),
        ("model=hiagn", "Did you mean 'hiagm'"),
        ("model", "is not field=value"),
        ("model==hiagm", "names no model"),
        ("seed=4", "names no seed"),
        ("seed!=03", "names no seed"),
        ("merge=mask", "Did you mean 'masking'"),
        ("", "is not field=value"),
    ],
)
def test_a_filter_that_names_nothing_is_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_filters(SWEEP, ["seed=1", text])


def test_filters_that_leave_no_trial_are_refused(write_sweep: SweepWriter) -> None:
    with pytest.raises(ConfigError, match="No trial passes the filter 'seed=1 seed=2'"):
        Plan.open(load(write_sweep()), ["seed=1", "seed=2"])


def test_filters_add_up_over_the_command_line() -> None:
    parser = argparse.ArgumentParser()
    add_sweep(parser)
    chosen = parser.parse_args(["a.yaml", "--filter", "model=x", "seed!=3", "--filter", "merge=none"])
    assert (chosen.sweep, chosen.filter) == (Path("a.yaml"), ["model=x", "seed!=3", "merge=none"])
    assert parser.parse_args(["a.yaml"]).filter == [], "no filter of an earlier command is left"


def test_only_some_commands_take_a_filter_or_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_sweep(parser, optional=True, with_filter=False)
    assert parser.parse_args([]).sweep is None
    with pytest.raises(SystemExit):
        parser.parse_args(["a.yaml", "--filter", "seed=1"])
    assert "unrecognized arguments: --filter" in capsys.readouterr().err
