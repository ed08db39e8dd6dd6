"""MLflow is a view: filled from the store, filled again after a loss, never written twice."""

from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from harness.analysis.summarise import find
from harness.config.load import load
from harness.core.errors import TrackingError
from harness.reporting.collect import collect
from harness.reporting.write import report_files
from harness.trackers import mlflow
from harness.trials.phases import run_phases
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.store import Failure, Stopped, Store
from tests.conftest import SweepWriter
from tests.harness.trials.searched import Runner, near, opened, searching
from tests.harness.trials.test_plan import record


def finish(store: Store, planned: PlannedTrial, micro: float) -> None:
    folder = store.folder(planned.key)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "history.jsonl").write_text('{"epoch": 1, "valid_micro_f1": 5}\n{"epoch": 2, "valid_micro_f1": 6}\n')
    (folder / "predictions.parquet").write_bytes(b"predictions")
    base = record(planned.key, planned.settings)
    scores = {"micro_f1": micro, "macro_f1": micro / 2, "branch_cosine_mean": 0.25}
    # The last epoch is the second one; the higher scores of a test are those of runs that were still improving.
    selected = {metric: {"epoch": 2.0 if micro > 61.5 else 1.0} for metric in ("micro_f1", "macro_f1")}
    decisions = {"validation": {"micro_f1": micro + 1, "macro_f1": micro / 2}}
    changes = {"scores": scores, "selected": selected, "decisions": decisions, "predictions_sha256": planned.key}
    store.finish(base.model_copy(update=changes))


def mirrored(path: Path) -> tuple[int, MlflowClient, list[Run]]:
    plan = Plan.open(load(path))
    num_written = mlflow.mirror(plan, find(*collect(plan, is_interim=True)), report_files(plan.sweep))
    client = MlflowClient(load(path).tracking)
    experiment = client.get_experiment_by_name("tiny")
    assert experiment is not None
    return num_written, client, list(client.search_runs([experiment.experiment_id]))


def is_cell(run: Run) -> bool:
    return "cell" in run.data.tags and "trial_key" not in run.data.tags


def test_the_whole_sweep_is_compared_once_it_is_complete(write_sweep: SweepWriter, tmp_path: Path) -> None:
    path = write_sweep(models={"hiagm": {}}, seeds=[1, 2, 3])
    plan = Plan.open(load(path))
    store = Store(Path(plan.sweep.store))
    scores = {("none", 1): 60.0, ("none", 2): 61.0, ("none", 3): 62.0}
    scores |= {("projection", 1): 61.0, ("projection", 2): 63.0, ("projection", 3): 65.0}
    *most, last = plan.trials
    for planned in most:
        finish(store, planned, scores[planned.settings.merge, planned.settings.seed])
    reports = tmp_path / "reports"
    (reports / "fig").mkdir(parents=True)
    for name in ("tiny.md", "tiny-deltas.csv", "fig/tiny-seeds.png", "other.md"):
        (reports / name).write_text("x")
    _, client, runs = mirrored(path)
    assert not any("_p" in name for run in runs for name in run.data.metrics), "no p before all trials are there"
    finish(store, last, scores[last.settings.merge, last.settings.seed])
    _, client, runs = mirrored(path)
    (whole,) = (run for run in runs if "sweep" in run.data.tags)
    metrics = whole.data.metrics
    assert metrics["hiagm/projection/vs/hiagm/none/synthetic/micro_f1/delta"] == pytest.approx(2.0)
    # Differences 1, 2, 3: t = 2 sqrt(3) on 2 degrees of freedom.
    assert metrics["hiagm/projection/vs/hiagm/none/synthetic/micro_f1/p"] == pytest.approx(1 - (12 / 14) ** 0.5)
    (cell,) = (run for run in runs if is_cell(run) and run.data.tags["merge"] == "projection")
    # Of its three trials those of seeds 2 and 3, and of the base's that of seed 3: the others had their best before.
    assert (cell.data.metrics["num_improving"], cell.data.tags["row_still_improving"]) == (2, "True")
    (base,) = (run for run in runs if is_cell(run) and run.data.tags["merge"] == "none")
    assert (base.data.metrics["num_improving"], base.data.tags["row_still_improving"]) == (1, "False")
    assert (
        cell.data.metrics["micro_f1_vs_hiagm/none_p"] == metrics["hiagm/projection/vs/hiagm/none/synthetic/micro_f1/p"]
    )
    assert cell.data.tags["micro_f1_vs_hiagm/none_marks"] == "", "three pairs have no star"
    run_id = whole.info.run_id
    assert [file.path for file in client.list_artifacts(run_id, "report/fig")] == ["report/fig/tiny-seeds.png"]
    assert {file.path for file in client.list_artifacts(run_id, "report")} == {
        "report/fig",
        "report/tiny.md",
        "report/tiny-deltas.csv",
    }
    assert {run.data.tags["comparisons"] for run in (whole, cell)} == {"of all planned trials"}
    _, _, runs = mirrored(write_sweep(models={"hiagm": {}}, seeds=[1, 2, 3, 4]))
    outdated = [
        run for run in runs if any(name.endswith("_p") for name in run.data.metrics) or "sweep" in run.data.tags
    ]
    assert len(outdated) == 2 and all(run.data.tags["comparisons"].startswith("outdated") for run in outdated)


def test_filled_once_mended_later_and_rebuilt_from_nothing(write_sweep: SweepWriter, tmp_path: Path) -> None:
    path = write_sweep(models={"flat": {}}, seeds=[1, 2])
    plan = Plan.open(load(path))
    store = Store(Path(plan.sweep.store))
    first, second, third, _ = plan.trials
    finish(store, first, 60.0)
    finish(store, third, 64.0)
    store.folder(second.key).mkdir(parents=True)
    store.fail(Failure(key=second.key, kind="non_finite", message="nan", settings={}, attempts=1))

    num_written, client, runs = mirrored(path)
    by_key = {run.data.tags.get("trial_key"): run for run in runs}
    assert num_written == 3 and len(runs) == 1 + 2 + 3
    child = by_key[first.key]
    assert child.info.status == "FINISHED" and child.data.metrics["test_micro_f1"] == 60.0
    assert child.data.metrics["test_micro_f1_by_validation"] == 61.0
    assert "test_branch_cosine_mean" not in child.data.metrics, "it is not of the test documents"
    assert child.data.params["trainer.epochs"] == "2" and child.data.params["seed"] == "1"
    points = client.get_metric_history(child.info.run_id, "valid_micro_f1")
    assert [(point.step, point.value) for point in points] == [(1, 5.0), (2, 6.0)]
    assert {file.path for file in client.list_artifacts(child.info.run_id)} == {"record.json", "predictions.parquet"}
    assert by_key[second.key].info.status == "FAILED"
    assert by_key[second.key].data.tags["failure"] == "non_finite: nan"
    parents = {run.data.tags["cell"]: run.info.run_id for run in runs if is_cell(run)}
    (whole,) = (run.info.run_id for run in runs if "sweep" in run.data.tags)
    assert {run.data.tags["mlflow.parentRunId"] for run in runs if is_cell(run)} == {whole}
    assert child.data.tags["mlflow.parentRunId"] == parents["flat/none/synthetic"]

    assert mirrored(path)[0] == 0, "what is there is not written again"
    finish(store, second, 66.0)
    num_written, client, runs = mirrored(path)
    assert num_written == 1 and len(runs) == 6
    cells = {run.data.tags["cell"]: run.data.metrics for run in runs if is_cell(run)}
    assert cells["flat/none/synthetic"]["micro_f1_mean"] == pytest.approx(62.0)
    assert cells["flat/none/synthetic"]["micro_f1_sd"] == pytest.approx(8**0.5)
    assert cells["flat/none/synthetic"]["n"] == 2

    fresh = write_sweep(models={"flat": {}}, seeds=[1, 2], tracking=f"sqlite:///{tmp_path}/again.db")
    assert mirrored(fresh)[0] == 3


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("http://127.0.0.1:9", "does not answer"),
        ("sqlite:////proc/none/mlflow.db", "cannot write its database"),
        ("mlruns", "is no tracking URI"),
        ("foo://x", "is no tracking URI"),
        ("http://localhost:99999", "does not answer"),
    ],
)
def test_what_cannot_work_is_said_before_any_trial(uri: str, words: str) -> None:
    with pytest.raises(TrackingError, match=words):
        mlflow.check(uri)


def test_trials_of_a_search_are_below_their_row_and_say_what_they_were_for(write_sweep: SweepWriter) -> None:
    path = searching(write_sweep, {"stopper": "asha"}, merges=["none"])

    def score(planned: PlannedTrial) -> float | None:
        return None if planned.candidate and planned.candidate.number == 2 else near(0.05)(planned)

    run_phases(plan := opened(path), Runner(score))
    search = plan.of_phase("search")
    stopped = search.trials[3]
    (search.store.folder(stopped.key) / "record.json").unlink()
    entry = {"epoch": 1.0, "valid_micro_f1": 5.0, "valid_macro_f1": 4.0}
    search.store.stop(Stopped(key=stopped.key, history=[entry], seconds=1.0))
    _, _, runs = mirrored(path)
    (cell,) = filter(is_cell, runs)
    below = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == cell.info.run_id]
    by_name = {run.info.run_name: run for run in below}
    assert sorted(by_name) == [
        *(f"candidate {number}" for number in range(4)),
        *("seed 1", "seed 2", "untuned seed 1", "untuned seed 2"),
    ]
    assert {run.data.tags["phase"] for run in below} == {"search", "report", "untuned"}
    states = [by_name[f"candidate {number}"].info.status for number in range(4)]
    assert states == ["FINISHED", "FINISHED", "FAILED", "KILLED"]
    assert by_name["candidate 3"].data.tags["stopped"] == "stopped after epoch 1"
    assert mirrored(path)[0] == 0
