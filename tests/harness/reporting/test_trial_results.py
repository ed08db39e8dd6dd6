"""Results of trials as the analysis takes them: what a record says, what runs have in common, failures."""

from pathlib import Path
from typing import Any

import pytest

from harness.analysis.inputs import TrialResult
from harness.analysis.summarise import find
from harness.config.load import load
from harness.reporting.collect import collect
from harness.reporting.markdown import markdown
from harness.trials.plan import Plan
from harness.trials.store import Failure, Store
from tests.conftest import SweepWriter
from tests.harness.trials.test_plan import record
from tests.harness.trials.test_preregistration import TRAINER

CPU = {"commit": "abc", "device": "cpu", "precision": "fp32", "cpu": "one"}


def outcome_of(write_sweep: SweepWriter, environment: dict[str, str], **changes: Any) -> TrialResult:
    """How the first trial of a sweep ended, whose record has this environment."""
    plan = Plan.open(load(write_sweep()))
    first = plan.trials[0]
    store = Store(Path(plan.sweep.store))
    store.folder(first.key).mkdir(parents=True, exist_ok=True)
    (store.folder(first.key) / "predictions.parquet").touch()
    made = record(first.key, first.settings)
    store.finish(made.model_copy(update={"environment": environment, "predictions_sha256": "x"} | changes))
    findings = find(*collect(Plan.open(load(write_sweep())), is_interim=True))
    (found,) = findings.results
    return found


def test_an_outcome_says_what_the_record_says(write_sweep: SweepWriter) -> None:
    found = outcome_of(write_sweep, CPU, micro_batches=4)
    assert (found.model, found.merge, found.dataset, found.seed) == ("hiagm", "none", "synthetic", 1)
    assert found.scores == {"micro_f1": 70.0, "macro_f1": 50.0} and found.failure is None
    assert (found.seconds, found.train_seconds, found.predictions_sha256) == (10.0, 5.0, "x")
    assert (found.num_parameters, found.num_parameters_by_part) == (3, {"encoder": 1, "heads": 2})
    assert (found.peak_memory_mb, found.environment) == (1.0, CPU)
    assert (found.num_epochs, found.micro_batches) == (2, 4)


@pytest.mark.parametrize(
    ("change", "pairs"),
    [
        ({}, True),
        ({"commit": "def"}, False),
        ({"precision": "bf16"}, False),
        ({"cpu": "another"}, False),
        ({"torch": "another"}, True),
        ({"device": "H100"}, False),
    ],
)
def test_runs_are_alike_by_commit_device_and_arithmetic(
    write_sweep: SweepWriter, change: dict[str, str], pairs: bool
) -> None:
    one, other = (outcome_of(write_sweep, CPU | new).made_on for new in ({}, change))
    assert (one == other) == pairs


def test_the_cpu_behind_a_gpu_does_not_matter(write_sweep: SweepWriter) -> None:
    on_gpu = CPU | {"device": "H100"}
    assert outcome_of(write_sweep, on_gpu).made_on == outcome_of(write_sweep, on_gpu | {"cpu": "another"}).made_on


@pytest.mark.parametrize(
    ("select", "epochs", "is_improving"),
    [
        ("per_metric", {"micro_f1": 1, "macro_f1": 2}, True),
        ("per_metric", {"micro_f1": 1, "macro_f1": 1}, False),
        ("micro", {"micro_f1": 1, "macro_f1": 2}, False),
        ("macro", {"micro_f1": 1, "macro_f1": 2}, True),
        ("per_metric", {}, None),
    ],
)
def test_a_run_is_still_improving_whose_best_epoch_is_the_last_one_allowed(
    write_sweep: SweepWriter, select: str, epochs: dict[str, int], is_improving: bool | None
) -> None:
    """Two epochs are allowed."""
    path = write_sweep(trainer=TRAINER | {"select": select, "epochs": 2})
    plan = Plan.open(load(path))
    first = plan.trials[0]
    plan.store.folder(first.key).mkdir(parents=True, exist_ok=True)
    (plan.store.folder(first.key) / "predictions.parquet").touch()
    selected = {metric: {"epoch": float(epoch), "micro_f1": 70.0} for metric, epoch in epochs.items()}
    plan.store.finish(record(first.key, first.settings).model_copy(update={"selected": selected}))
    (found,) = find(*collect(Plan.open(load(path)), is_interim=True)).results
    assert found.still_improving is is_improving


def test_a_kind_of_trial_without_epochs_says_nothing_of_them(write_sweep: SweepWriter) -> None:
    selected = {"micro_f1": {"micro_f1": 70.0}, "macro_f1": {"micro_f1": 70.0}}
    assert outcome_of(write_sweep, CPU, selected=selected).still_improving is None


def test_a_failure_has_its_reason_and_no_scores(write_sweep: SweepWriter) -> None:
    plan = Plan.open(load(write_sweep()))
    store = Store(Path(plan.sweep.store))
    first = plan.trials[0]
    store.folder(first.key).mkdir(parents=True)
    store.fail(Failure(key=first.key, kind="non_finite", message="it diverged", settings={}, attempts=1))
    findings = find(*collect(Plan.open(load(write_sweep())), is_interim=True))
    (found,) = findings.results
    assert found.scores is None and found.train_seconds is None
    assert (found.failure_kind, found.failure) == ("non_finite", "it diverged")
    assert "FAILED (1/2)" in markdown(findings) and ": non_finite: it diverged" in markdown(findings)
