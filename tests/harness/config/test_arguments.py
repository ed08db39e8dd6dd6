"""A filter keeps the values that meet it, and one that can meet nothing is refused."""

import pytest

from harness.config.load import load
from harness.core.errors import ConfigError
from harness.trials.plan import Plan
from tests.conftest import SweepWriter


def test_filters_narrow_and_refuse(write_sweep: SweepWriter) -> None:
    sweep = load(write_sweep())
    assert len(Plan.open(sweep, ["model=hiagm", "seed!=2"]).selected) == 2
    assert {p.settings.merge for p in Plan.open(sweep, ["merge!=none"]).selected} == {"projection"}
    for text, words in [
        ("modle=hiagm", "Did you mean 'model'"),
        ("model=hiagn", "Did you mean 'hiagm'"),
        ("model", "is not field=value"),
        ("seed=3", "names no seed"),
    ]:
        with pytest.raises(ConfigError, match=words):
            Plan.open(sweep, [text])
    with pytest.raises(ConfigError, match="No trial passes"):
        Plan.open(sweep, ["seed=1", "seed=2"])
