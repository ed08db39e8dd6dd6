"""Fitted trials: one run where the seed changes nothing, scores of what is predicted, and no part of what trains."""

from pathlib import Path

import numpy as np
import pytest

from datasets.storage.texts import Texts
from harness import report as report_door
from harness import trial as trial_door
from harness.config.load import load
from harness.stats.collapse import best_constant
from harness.trials.plan import Plan
from tests.conftest import SweepWriter


def test_the_standing_controls_run_once_and_score_what_they_predict(
    write_sweep: SweepWriter, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep(models={"flat": {}}, merges=["none"], seeds=[3, 4], controls=["constant"])
    assert trial_door.main([str(path)]) == 0
    assert "3 of 3 trials done, 0 failed" in capsys.readouterr().out
    plan = Plan.open(load(path))
    (one,) = [one for one in plan.trials if one.settings.model == "constant"]
    assert one.settings.seed == 0 and one.record is not None
    from datasets.storage.corpus import open_corpus

    test = Texts.of(open_corpus(data_dir / one.settings.corpus), "test")
    # The label set is chosen on training documents: at best it is the best on the test documents too.
    best = best_constant("micro_f1", np.asarray(test.gold.sum(axis=0)).ravel(), len(test))
    assert 0 < one.record.scores["micro_f1"] <= best + 1e-9
    assert one.record.scores["violations"] == 0.0
    assert one.record.num_epochs == 0 and "epoch" not in one.record.selected["micro_f1"]


def test_a_sweep_of_systems_alone_needs_no_text_encoder_and_has_a_report(write_sweep: SweepWriter) -> None:
    path = write_sweep(
        models={"linear": {}, "nearest": {"options": {"neighbours": 5}}}, encoder=None, controls=["constant"]
    )
    assert trial_door.main([str(path)]) == report_door.main([str(path)]) == 0
    reports = Path(load(path).reports_dir)
    assert "| nearest |" in (reports / "tiny.md").read_text("utf-8")
    assert "text encoder none" in (reports / "reproducibility.md").read_text("utf-8")


def test_a_system_that_cannot_be_fitted_fails_alone(
    write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    models = {"nearest": {"options": {"neighbours": 10**6}}, "linear": {}}
    path = write_sweep(models=models, encoder=None, controls=["constant"])
    assert trial_door.main([str(path)]) == 1
    assert "2 of 3 trials done, 1 failed" in capsys.readouterr().out
    (one,) = [one for one in Plan.open(load(path)).trials if one.state == "failed"]
    assert one.why.startswith("error: CannotBeFitted: nearest is to look at 1,000,000 neighbours")


def test_a_system_is_the_same_trial_under_any_seeds_trainer_and_number_of_merges(write_sweep: SweepWriter) -> None:
    def keys(**changes: object) -> set[str]:
        plan = Plan.open(load(write_sweep(models={"constant": {}, "flat": {}}, **changes)))
        return {one.key for one in plan.trials if one.settings.model == "constant"}

    (key,) = keys()
    assert keys(seeds=[7, 8, 9]) == keys(merges=["none"]) == keys(trainer={"epochs": 9}) == {key}
    assert keys(encoder={"name": "bag", "options": {"width": 4}}) == {key}
    assert keys(datasets={"synthetic": {"options": {"documents": 600}, "train_documents": 50}}) != {key}
