"""States and estimates of a plan; and that planning loads neither torch nor Ray."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest

from datasets.prepare import prepare
from harness.config.load import load
from harness.core.errors import DataError
from harness.reporting.status import describe, warnings
from harness.trials import store as store_module
from harness.trials.phases import seconds_left
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.preregistration import freeze
from harness.trials.settings import TrialSettings
from harness.trials.store import Failure, Record, Store
from tests.conftest import SweepWriter
from tests.models.fake_hub import NEW, OLD, point, snapshot
from tests.shared import ROOT


def record(key: str, trial: TrialSettings, seconds: float = 10.0) -> Record:
    return Record(
        key=key,
        settings=trial.model_dump(mode="json"),
        scores={"micro_f1": 70.0, "macro_f1": 50.0},
        selected={},
        num_epochs=2,
        train_seconds=seconds / 2,
        seconds=seconds,
        num_parameters={"encoder": 1, "heads": 2},
        peak_memory_mb=1.0,
        environment={},
        predictions_sha256="",
        attempts=1,
        finished="2026-01-01T00:00:00+00:00",
    )


def finish(store: Store, key: str, trial: TrialSettings, seconds: float = 10.0) -> None:
    store.folder(key).mkdir(parents=True, exist_ok=True)
    (store.folder(key) / "predictions.parquet").touch()
    store.finish(record(key, trial, seconds))


def test_only_what_is_missing_is_new(write_sweep: SweepWriter) -> None:
    path = write_sweep()
    plan = Plan.open(load(path))
    store = Store(Path(plan.sweep.store))
    first, second, third = plan.trials[:3]
    finish(store, first.key, first.settings)
    store.folder(second.key).mkdir(parents=True)
    store.fail(
        Failure(key=second.key, kind="non_finite", message="loss is nan", settings={}, attempts=1),
    )
    store.start_attempt(third.key)
    states = [(planned.state, planned.why) for planned in Plan.open(load(path)).trials[:4]]
    assert states == [
        ("done", "finished 2026-01-01T00:00:00+00:00"),
        ("failed", "non_finite: loss is nan"),
        ("new", "started, not finished"),
        ("new", "never run"),
    ]
    # More seeds: what is there stays there.
    grown = Plan.open(load(write_sweep(seeds=[1, 2, 3])))
    assert (len(grown.of_state("done")), len(grown.of_state("failed")), len(grown.of_state("new"))) == (1, 1, 10)
    # Other resources: nothing runs again.
    assert len(Plan.open(load(write_sweep(resources={"cpus": 2}))).of_state("done")) == 1
    # Another learning rate: everything does.
    other = write_sweep(trainer={"epochs": 2, "batch_size": 32, "encoder_lr": 0.01, "head_lr": 0.01})
    assert len(Plan.open(load(other)).of_state("new")) == 8


Damage = Callable[[Store, PlannedTrial, PlannedTrial], None]


def edit(**changes: object) -> Damage:
    """Returns what puts other values into a trial's record."""

    def damage(store: Store, one: PlannedTrial, other: PlannedTrial) -> None:
        file = store.folder(one.key) / "record.json"
        file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **changes}), "utf-8")

    return damage


def cut(size: int) -> Damage:
    """Returns what leaves so many bytes of a record, and one that is no text."""

    def damage(store: Store, one: PlannedTrial, other: PlannedTrial) -> None:
        file = store.folder(one.key) / "record.json"
        file.write_bytes(file.read_bytes()[:size] + b"\xff")

    return damage


def copy(store: Store, one: PlannedTrial, other: PlannedTrial) -> None:
    shutil.rmtree(store.folder(one.key))
    shutil.copytree(store.folder(other.key), store.folder(one.key))


def copy_and_rename(store: Store, one: PlannedTrial, other: PlannedTrial) -> None:
    copy(store, one, other)
    edit(key=one.key)(store, one, other)


def lose_predictions(store: Store, one: PlannedTrial, other: PlannedTrial) -> None:
    (store.folder(one.key) / "predictions.parquet").unlink()


DAMAGES: list[tuple[Damage, str]] = [
    (cut(0), "it cannot be read"),
    (cut(1), "it cannot be read"),
    (cut(-1), "it cannot be read"),
    (edit(scores=3), "it cannot be read"),
    (copy, "it is of the trial "),
    (edit(key="0" * 16), "it is of the trial 0000000000000000"),
    (copy_and_rename, "its settings are not those of this trial"),
    (edit(settings={}), "its settings are not those of this trial"),
    (edit(settings={"loads": 3}), "its settings are not those of this trial"),
    (lose_predictions, "its predictions.parquet is gone"),
]


@pytest.mark.parametrize(("damage", "said"), DAMAGES)
def test_a_record_that_cannot_be_trusted_is_none_and_says_so(
    write_sweep: SweepWriter, damage: Damage, said: str
) -> None:
    path = write_sweep()
    first, second, third, *_ = Plan.open(load(path)).trials
    store = Store(Path(load(path).store))
    for planned in (first, second, third):
        finish(store, planned.key, planned.settings)
    damage(store, first, second)
    plan = Plan.open(load(path))
    assert [one.state for one in plan.trials[:3]] == ["new", "done", "done"]
    assert plan.trials[0].why == "its record cannot be trusted"
    (warning,) = warnings(plan)
    file = store.folder(first.key) / "record.json"
    assert warning.startswith(f"The record {file} cannot be trusted: {said}")
    assert warning.endswith("The trial counts as not run; running the sweep again replaces it.")
    assert store.state(first.key, first.settings) == "new", "as a worker sees it, who has to run it"
    finish(store, first.key, first.settings)
    plan.refresh()
    assert warnings(plan) == [] and plan.trials[0].state == "done"


def test_many_records_that_cannot_be_trusted_are_counted(write_sweep: SweepWriter) -> None:
    path = write_sweep(seeds=list(range(10)))
    plan = Plan.open(load(path))
    for planned in plan.trials:
        finish(plan.store, planned.key, planned.settings)
        cut(5)(plan.store, planned, planned)
    plan.refresh()
    *named, more = warnings(plan)
    assert len(named) == 10 and more == "Nor can what 30 more trials left be trusted."


def test_a_failure_of_another_trial_is_no_failure(write_sweep: SweepWriter) -> None:
    path = write_sweep()
    plan = Plan.open(load(path))
    first, second, *_ = plan.trials
    plan.store.folder(first.key).mkdir(parents=True)
    plan.store.fail(Failure(key=first.key, kind="error", message="no", settings={}, attempts=1))
    shutil.copytree(plan.store.folder(first.key), plan.store.folder(second.key))
    plan.refresh()
    assert [one.state for one in plan.trials[:2]] == ["failed", "new"]


def test_names_paths_and_resources_of_a_record_may_be_others(write_sweep: SweepWriter, tmp_path: Path) -> None:
    encoders = []
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("cat 1")
        encoders.append({"name": "lstm", "options": {"vectors": str(tmp_path / name)}})
    path = write_sweep(encoder=encoders[0])
    plan = Plan.open(load(path))
    for planned in plan.trials:
        finish(plan.store, planned.key, planned.settings)
    models = {"renamed": {"model": "hiagm", "options": {"node_width": 4, "logit_dropout": 0.0}}, "flat": {}}
    moved = Plan.open(load(write_sweep(encoder=encoders[1], models=models, resources={"cpus": 3})))
    assert len(moved.of_state("done")) == 8 and warnings(moved) == []


def test_a_sweep_that_was_run_stays_run_when_a_branch_moves(
    write_sweep: SweepWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    encoder = {"name": "transformer", "options": {"model": "org/tiny"}}
    path = write_sweep(encoder=encoder)
    assert len(warnings(Plan.open(load(path)))) == 1, "no such model is known here"
    for commit in (OLD, NEW):
        snapshot(tmp_path / "hub", commit)
    point(tmp_path / "hub", OLD)
    plan = Plan.open(load(path))
    assert warnings(plan) == [] and {one.settings.encoder_options["revision"] for one in plan.trials} == {OLD}
    freeze(plan)
    finish(plan.store, plan.trials[0].key, plan.trials[0].settings)
    point(tmp_path / "hub", NEW)
    again = Plan.open(load(path))
    assert again.trials[0].state == "done" and again.trials[0].settings == plan.trials[0].settings
    shutil.rmtree(tmp_path / "hub")
    assert Plan.open(load(path)).trials[0].state == "done"
    named = write_sweep(encoder={"name": "transformer", "options": {"model": "org/tiny", "revision": OLD}})
    assert Plan.open(load(named)).trials[0].state == "done", "the commit is the same trial"
    other = write_sweep(encoder={"name": "transformer", "options": {"model": "org/tiny", "revision": NEW}})
    assert Plan.open(load(other)).trials[0].state == "new"


def test_a_plan_opens_one_file_per_finished_trial_and_again_only_what_was_missing(
    write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_sweep()
    store = Store(Path(load(path).store))
    first, second, third, *_ = Plan.open(load(path)).trials
    for planned in (first, second):
        finish(store, planned.key, planned.settings)
    asked: list[str] = []
    read = store_module._read
    monkeypatch.setattr(store_module, "_read", lambda kind, path: asked.append(path) or read(kind, path))
    plan = Plan.open(load(path))
    assert len(asked) == 8 == len(set(asked)), "a trial that was never started has no failure to ask for"
    finish(store, third.key, third.settings)
    asked.clear()
    plan.refresh()
    assert [one.state for one in plan.trials] == ["done"] * 3 + ["new"] * 5
    plan.refresh()
    assert plan.trials == Plan.open(load(path)).trials and len(asked) == 6 + 5 + 8


def test_a_filter_selects_and_the_plan_still_knows_every_trial(write_sweep: SweepWriter) -> None:
    plan = Plan.open(load(write_sweep()), ["model=flat", "seed!=2"])
    assert [one.settings.name for one in plan.selected] == [
        "flat none synthetic seed 1",
        "flat projection synthetic seed 1",
    ]
    assert len(plan.trials) == 8 == len(plan.unfiltered().selected) and plan.filters == ("model=flat", "seed!=2")
    assert [len(trials) for trials in plan.cells().values()] == [1, 1]


def test_a_corpus_that_was_made_anew_makes_every_trial_a_new_one(
    write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_sweep()
    plan = Plan.open(load(path))
    first = plan.trials[0]
    finish(plan.store, first.key, first.settings)
    plan.refresh()
    assert plan.trials[0].state == "done"
    monkeypatch.setattr("harness.trials.plan.read_meta", lambda *_: {"fingerprint": "other"})
    plan.refresh()
    assert plan.trials[0].state == "new" and plan.trials[0].key != first.key


def test_a_missing_corpus_is_a_problem_and_not_a_crash(write_sweep: SweepWriter, tmp_path: Path) -> None:
    plan = Plan.open(load(write_sweep(data_dir=str(tmp_path / "empty"))))
    assert list(plan.problems) == ["synthetic"]
    assert {planned.why for planned in plan.trials} == {"its corpus is not prepared"}


def test_time_left_goes_by_the_nearest_finished_trials(write_sweep: SweepWriter) -> None:
    path = write_sweep()
    plan = Plan.open(load(path))
    assert seconds_left(plan, 2) is None
    store = Store(Path(plan.sweep.store))
    for planned in plan.trials:
        if planned.settings.cell == ("hiagm", "none", "synthetic"):
            finish(store, planned.key, planned.settings, seconds=30.0)
            break
    # hiagm none: 1 left at 30 s; hiagm projection: 2 by the same model; flat: 4 by the same dataset.
    assert seconds_left(Plan.open(load(path)), 2) == pytest.approx(7 * 30 / 2)


@pytest.mark.parametrize(
    "verb",
    [
        ["harness.sweep", "--dry-run"],
        ["harness.status"],
        ["harness.report"],
        ["harness.results"],
        ["harness.plan", "--sd", "0.3"],
    ],
)
def test_plans_reports_and_status_load_neither_torch_nor_ray(write_sweep: SweepWriter, verb: list[str]) -> None:
    module, *flags = verb
    code = (
        "import sys, runpy; sys.argv = [sys.argv[1], *sys.argv[2:]]\n"
        "try: runpy.run_module(sys.argv[0], run_name='__main__')\n"
        "except SystemExit as end: print('exit', end.code)\n"
        "print('loaded', sorted({'torch', 'ray', 'mlflow', 'pyarrow', 'pandas', 'transformers'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, module, str(write_sweep()), *flags]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert "loaded []" in run.stdout, run.stdout + run.stderr


def test_options_of_the_only_prepared_corpus_need_not_be_repeated(write_sweep: SweepWriter, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "taxonomy.tsv").write_text("Root\ta\tb\n", "utf-8")
    lines = [
        {"text": f"text {i}", "labels": ["ab"[i % 2]], "split": ("train", "val", "test")[i % 3]} for i in range(12)
    ]
    (tmp_path / "source" / "documents.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    data = tmp_path / "data"
    prepare("jsonl", tmp_path / "source", {"title": "mine"}, data)
    changes: dict[str, Any] = {"models": {"flat": {}}, "merges": ["none"], "seeds": [1], "data_dir": str(data)}
    exact, short = (
        Plan.open(load(write_sweep(datasets={"jsonl": {"options": options}}, **changes)))
        for options in ({"title": "mine"}, {})
    )
    assert short.trials[0].key == exact.trials[0].key and not short.problems
    assert "Corpus of jsonl: jsonl,title=mine." in describe(short)
    prepare("jsonl", tmp_path / "source", {"title": "other"}, data)
    with pytest.raises(DataError, match='holds 2 corpora jsonl. Say which one .*"mine".* or .*"other"'):
        Plan.open(load(write_sweep(datasets={"jsonl": {}}, **changes)))
