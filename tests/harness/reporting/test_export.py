"""Which trial's model is exported, and what is refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness import export
from harness.config.load import load
from harness.core.errors import ConfigError, StoreError
from harness.reporting.export import choose
from harness.trials.plan import Plan
from tests.conftest import SweepWriter
from tests.harness.finished_sweep import finished


def test_the_seed_that_is_best_on_validation_stands_for_a_row(write_sweep: SweepWriter) -> None:
    plan = Plan.open(load(Path(finished(write_sweep))))
    chosen = choose(plan, "flat/none", "", must_be_kept=True)
    scores = {one.settings["seed"]: one.scores["valid_micro_f1"] for one in chosen.finished}
    assert len(scores) == 2 and scores[chosen.trial.settings.seed] == max(scores.values())
    assert plan.store.model(chosen.trial.key).exists() and chosen.title == "Flat for synthetic"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--row", "flat/masking"], "no row 'flat/masking'. Did you mean 'flat/"),
        (["--row", "flat"], "no row 'flat'"),
        (["--row", "flat/none", "--dataset", "synthetik"], "no dataset 'synthetik'. Did you mean 'synthetic'"),
    ],
)
def test_what_the_sweep_does_not_have_is_refused(
    arguments: list[Any], said: str, write_sweep: SweepWriter, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        export.main([str(write_sweep(models={"flat": {}})), *arguments, "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_several_datasets_and_imported_predictions_are_refused(write_sweep: SweepWriter) -> None:
    datasets = {"synthetic": {"options": {"documents": 600}}, "other": {"reader": "synthetic"}}
    plan = Plan.open(load(write_sweep(models={"flat": {}}, datasets=datasets)))
    with pytest.raises(ConfigError, match=r"several datasets: name one by --dataset synthetic\|other"):
        choose(plan, "flat/none", "", must_be_kept=True)


def test_a_damaged_kept_model_is_not_handed_on(write_sweep: SweepWriter, tmp_path: Path) -> None:
    sweep = finished(write_sweep)
    (weights,) = [path for path in (tmp_path / "store").rglob("model.safetensors") if "projection" in _merge_of(path)]
    weights.write_bytes(b"")
    with pytest.raises(ValueError, match="is not what was exported"):
        export.main([sweep, "--row", "flat/projection", "--out", str(tmp_path / "out")])
    shutil.rmtree(weights.parent)
    with pytest.raises(StoreError, match="was not kept"):
        export.main([sweep, "--row", "flat/projection", "--out", str(tmp_path / "out")])


def _merge_of(weights: Path) -> str:
    record = json.loads((weights.parent.parent / "record.json").read_text("utf-8"))
    return str(record["settings"]["merge"])
