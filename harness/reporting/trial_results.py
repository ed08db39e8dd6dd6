"""Results of trials as the analysis takes them, from what the trials left in the store."""

from collections.abc import Mapping

from harness.analysis.inputs import Samples, TrialPlace, TrialResult
from harness.core.metric_names import HEADLINE, Decision
from harness.core.resampling import Resampling
from harness.reporting.predictions import read_samples
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.settings import TrainedSettings, TrialSettings
from harness.trials.store import Record

MADE_WITH = ("commit", "device", "precision", "cpu")
"""Of a trial's environment, what can set its numbers apart from those of another trial of the same settings."""


def read_results(plan: Plan, rule: Decision) -> tuple[list[TrialResult], Samples]:
    """Returns how the selected trials ended, and their predictions on the test documents, by a decision rule."""
    samples = read_samples(plan, Resampling(), rule)  # First: what proves wrong is no result.
    return results_of(plan, rule), samples


def results_of(plan: Plan, rule: Decision) -> list[TrialResult]:
    """Returns how the selected trials ended that have run, with their scores by a decision rule."""
    return [_result(one, rule) for one in plan.selected if one.state != "new"]


def _result(planned: PlannedTrial, rule: Decision) -> TrialResult:
    trial, record = planned.settings, planned.record
    if record is None:
        assert planned.failure, "what has neither a record nor a failure is new"
        reason, kind = planned.failure.message, planned.failure.kind
        return TrialResult(*place_of(trial), None, reason, None, None, None, planned.key, failure_kind=kind)
    return TrialResult(
        *place_of(trial),
        scores=record.scores | record.decisions.get(rule, {}) | record.scores_by_rule,
        failure=None,
        train_seconds=record.train_seconds,
        num_parameters=sum(record.num_parameters.values()) or None,
        predictions_sha256=record.predictions_sha256,
        key=planned.key,
        micro_batches=record.micro_batches,
        made_on=_made_on(record.environment),
        num_epochs=record.num_epochs,
        still_improving=_still_improving(record, trial),
        has_decisions=bool(record.decisions),
        seconds=record.seconds,
        peak_memory_mb=record.peak_memory_mb,
        num_parameters_by_part=record.num_parameters,
        environment={name: record.environment[name] for name in MADE_WITH if name in record.environment},
    )


def place_of(trial: TrialSettings) -> TrialPlace:
    """Returns the place of a trial in the plan."""
    return TrialPlace(trial.model, trial.merge, trial.dataset, trial.seed)


def _still_improving(record: Record, trial: TrialSettings) -> bool | None:
    """Returns whether a best epoch behind the headline scores is the last one allowed; None without epochs.

    A run that stopped early had its best epochs before.
    """
    if not isinstance(trial, TrainedSettings):
        return None
    metrics = HEADLINE if trial.select == "per_metric" else (f"{trial.select}_f1",)
    epochs = [record.selected[metric].get("epoch") for metric in metrics if metric in record.selected]
    known = [epoch for epoch in epochs if epoch is not None]
    return max(known) >= trial.trainer.epochs if known else None


def _made_on(facts: Mapping[str, str]) -> str:
    """Returns what two runs must share to be compared: commit, device and arithmetic, and on CPUs the CPU.

    Runs of unknown commits, or of one with the same uncommitted changes in the same files, count as alike: what
    alters numbers raises a NUMERICS constant, and is then another trial.
    """
    names = [name for name in MADE_WITH if name != "cpu" or facts.get("device") == "cpu"]
    return ", ".join(facts.get(name, "unknown") for name in names)
