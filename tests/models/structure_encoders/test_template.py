"""The model to copy, as a researcher would test a new one. Copy this file with it, and leave `registered` out."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

import harness.trial as trial_door
from datasets.prepare import prepare
from harness import sweep
from harness.config.load import load
from harness.core.errors import ConfigError
from harness.core.registry import Component
from harness.trials.plan import Plan
from harness.trials.store import Store
from models import STRUCTURE_ENCODERS
from models.structure_encoders.template import Template
from tests.conftest import SweepWriter
from tests.harness.learning import assert_learnt
from tests.models.encoder_checks import assert_model
from tests.models.hierarchies import head_on, hierarchy

MERGES = ["none", "masking", "projection"]


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Component:
    """The line of `models/__init__.py` that a new model adds."""
    component = Component("template", "models.structure_encoders.template:Template")
    monkeypatch.setitem(STRUCTURE_ENCODERS._components, "template", component)
    return component


def test_it_is_what_every_model_must_be() -> None:
    assert_model(Template)


def test_a_logit_takes_from_its_parents() -> None:
    # The equation of the card by hand: 2 is a child of 0 and 1, with shares 0.5 and 0.5 of -1 and 3.
    model = Template([head_on(hierarchy(3, [(0, 2), (1, 2)]))], 1)
    with torch.no_grad():
        model.output.weight.copy_(torch.tensor([-1.0, 3.0, 10.0]))
        torch.nn.init.zeros_(model.output.bias)
    assert model(torch.ones(1, 1)).tolist() == [[-1.0, 3.0, 11.0]]


def test_the_penalty_is_half_the_squared_distance_over_edges() -> None:
    model = Template([head_on(hierarchy(3, [(0, 1), (0, 2)]))], 2)
    with torch.no_grad():
        model.output.weight.copy_(torch.tensor([1.0, 0.0, 0.0, 2.0, 3.0, 1.0]))
    assert model.recursive_penalty().item() == pytest.approx(5.0)


def test_its_options_are_those_of_sweep_files(
    registered: Component, write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    assert registered.options().model_dump() == {"first_share": 0.5}
    assert registered.numerics["template"] == 1
    assert sweep.main(["--list"]) == 0
    listed = capsys.readouterr().out
    assert re.search(r"template +Template of a structure encoder", listed)
    assert "first_share = 0.5  Share of each parent's logit" in listed
    with pytest.raises(ConfigError, match="first_shar"):
        load(write_sweep(models={"template": {"options": {"first_shar": 1.0}}}))


def test_it_runs_under_every_merge_and_learns(
    registered: Component,
    write_sweep: SweepWriter,
    data_dir: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare("synthetic", None, {}, data_dir)
    changes: dict[str, Any] = {
        "models": {"template": {}},
        "merges": MERGES,
        "seeds": [1],
        "datasets": {"synthetic": {}},
        "encoder": {"name": "bag", "options": {"width": 64, "vocabulary": 2000}},
        "trainer": {"epochs": 4, "batch_size": 32, "encoder_lr": 0.02, "head_lr": 0.02},
    }
    path = write_sweep(**changes)
    assert sweep.main([str(path), "--dry-run"]) == 0
    planned = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [words[:2] for words in planned[1:4]] == [["template", merge] for merge in MERGES]
    assert ["3", "trials:", "0", "done,", "0", "failed,", "3", "new."] in planned
    assert trial_door.main([str(path)]) == 0
    assert "3 of 3 trials done, 0 failed" in capsys.readouterr().out
    store = Store(tmp_path / "store")
    for one in Plan.open(load(path)).trials:
        record = store.record(one.key)
        assert record is not None
        assert_learnt(record, data_dir / one.settings.corpus)
