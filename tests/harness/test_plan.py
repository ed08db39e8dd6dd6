"""Identity, states, filters and estimates of a plan; and that planning loads neither torch nor Ray."""

import ast
import random
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness import store as store_module
from harness.errors import ConfigError
from harness.plan import NOT_IDENTITY, Cell, Durations, Trial, content_digest, expand, identity, make_plan
from harness.store import Failure, Record, Store
from harness.sweep_file import load
from tests.conftest import SweepWriter


def record(key: str, trial: Trial, seconds: float = 10.0) -> Record:
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


def finish(store: Store, key: str, trial: Trial, seconds: float = 10.0) -> None:
    store.folder(key).mkdir(parents=True)
    store.finish(record(key, trial, seconds))


def test_the_grid_is_complete_and_every_trial_is_its_own(write_sweep: SweepWriter) -> None:
    plan = make_plan(load(write_sweep()))
    assert len(plan.trials) == 2 * 2 * 1 * 2
    assert len({planned.key for planned in plan.trials}) == 8
    assert {planned.state for planned in plan.trials} == {"new"}


def test_a_model_has_its_own_merges_loss_reduction_and_encoder(write_sweep: SweepWriter) -> None:
    models = {
        "hiagm": {"merges": ["masking"], "branch_reduction": "mean_local"},
        "flat": {"objective": {"name": "max_constraint"}, "encoder": {"name": "lstm", "options": {"hidden": 3}}},
    }
    found = {
        (one.model, one.merge): (one.objective, one.branch_reduction, one.encoder)
        for one in expand(load(write_sweep(models=models, merges=["none", "projection"])))
    }
    assert found == {
        ("hiagm", "masking"): ("bce", "mean_local", "bag"),
        ("flat", "none"): ("max_constraint", "mean_global", "lstm"),
        ("flat", "projection"): ("max_constraint", "mean_local", "lstm"),
    }


def test_coherence_is_on_by_default_where_the_objective_has_it(write_sweep: SweepWriter) -> None:
    models = {
        "hiagm": {},
        "flat": {"objective": {"name": "max_constraint"}},
        "raised": {"model": "flat", "coherence": "max_constraint"},
        "as_combined": {"model": "flat", "objective": {"name": "max_constraint"}, "coherence": "none"},
    }
    found = {one.model: one.coherence for one in expand(load(write_sweep(models=models)))}
    constrained = "max_constraint"
    assert found == {"hiagm": "none", "flat": constrained, "raised": constrained, "as_combined": "none"}


def test_identity_ignores_names_and_resources_and_nothing_else(write_sweep: SweepWriter) -> None:
    trial = expand(load(write_sweep()))[0]
    before = identity(trial, "f")
    changes: dict[str, object] = {
        "model": "renamed",
        "dataset": "renamed",
        "resources": trial.resources.model_copy(update={"cpus": 7, "time_limit_minutes": 3.0}),
        "merge": "masking",
        "seed": 99,
        "structure": "flat",
        "objective": "max_constraint",
        "objective_options": {"tau": 1.0},
        "coherence": "max_constraint",
        "structure_options": {**trial.structure_options, "node_width": 5},
        "encoder": "minilm",
        "encoder_options": {**trial.encoder_options, "dropout": 0.2},
        "combine": "sum",
        "branch_reduction": "mean_local",
        "split": "random",
        "priors": "train",
        "corpus": "elsewhere",
        "train_documents": 5,
        "trainer": trial.trainer.model_copy(update={"epochs": 3}),
    }
    assert changes.keys() == Trial.model_fields.keys()
    for field, value in changes.items():
        changed = identity(trial.model_copy(update={field: value}), "f")
        assert (changed == before) == (field in NOT_IDENTITY), field
    assert identity(trial, "g") != before


def test_identity_follows_the_numerics_version(write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.registry import Component

    trial = expand(load(write_sweep()))[0]
    before = identity(trial, "f")
    for module in ("harness.trainer", "models.gcn", "models.bag"):
        monkeypatch.setattr(Component, "numerics", property(lambda self, raised=module: {raised: 2}))
        assert identity(trial, "f") != before


def test_identity_reads_each_source_file_once(write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = expand(load(write_sweep(seeds=list(range(50)))))
    parsed: list[str] = []
    parse = ast.parse
    monkeypatch.setattr(ast, "parse", lambda source: parsed.append(source) or parse(source))
    for trial in trials:
        identity(trial, "f")
    assert len(parsed) == len(set(parsed))


def test_overrides_model_wins_over_dataset_wins_over_sweep(write_sweep: SweepWriter) -> None:
    sweep = load(
        write_sweep(
            models={"hiagm": {"trainer": {"epochs": 7}}, "flat": {"resources": {"cpus": 2}}},
            datasets={"synthetic": {"options": {"documents": 600}, "trainer": {"epochs": 5, "head_lr": 0.5}}},
        )
    )
    trials = {trial.model: trial for trial in expand(sweep)}
    assert (trials["hiagm"].trainer.epochs, trials["flat"].trainer.epochs) == (7, 5)
    assert trials["hiagm"].trainer.head_lr == 0.5
    assert (trials["hiagm"].resources.cpus, trials["flat"].resources.cpus) == (1, 2)


def test_only_what_is_missing_is_new(write_sweep: SweepWriter) -> None:
    path = write_sweep()
    plan = make_plan(load(path))
    store = Store(Path(plan.sweep.store))
    first, second, third = plan.trials[:3]
    finish(store, first.key, first.trial)
    store.folder(second.key).mkdir(parents=True)
    store.fail(
        Failure(key=second.key, kind="non_finite", message="loss is nan", settings={}, attempts=1),
    )
    store.start_attempt(third.key)
    states = [(planned.state, planned.why) for planned in make_plan(load(path)).trials[:4]]
    assert states == [
        ("done", "finished 2026-01-01T00:00:00+00:00"),
        ("failed", "non_finite: loss is nan"),
        ("new", "started, not finished"),
        ("new", "never run"),
    ]
    # More seeds: what is there stays there.
    grown = make_plan(load(write_sweep(seeds=[1, 2, 3])))
    assert (len(grown.of_state("done")), len(grown.of_state("failed")), len(grown.of_state("new"))) == (1, 1, 10)
    # Other resources: nothing runs again.
    assert len(make_plan(load(write_sweep(resources={"cpus": 2}))).of_state("done")) == 1
    # Another learning rate: everything does.
    other = write_sweep(trainer={"epochs": 2, "batch_size": 32, "encoder_lr": 0.01, "head_lr": 0.01})
    assert len(make_plan(load(other)).of_state("new")) == 8


@pytest.mark.parametrize("damage", ["", "{", '{"key": "x"}', "\x00\x01"])
def test_a_damaged_record_is_no_record(write_sweep: SweepWriter, damage: str) -> None:
    path = write_sweep()
    planned = make_plan(load(path)).trials[0]
    store = Store(Path(load(path).store))
    finish(store, planned.key, planned.trial)
    (store.folder(planned.key) / "record.json").write_text(damage)
    assert make_plan(load(path)).trials[0].state == "new"


@pytest.mark.parametrize("size", [0, 1, -1])
def test_a_cut_record_is_no_record(write_sweep: SweepWriter, size: int) -> None:
    path = write_sweep()
    planned = make_plan(load(path)).trials[0]
    store = Store(Path(load(path).store))
    finish(store, planned.key, planned.trial)
    file = store.folder(planned.key) / "record.json"
    file.write_bytes(file.read_bytes()[:size] + b"\xff")
    assert make_plan(load(path)).trials[0].state == "new"


def test_a_plan_opens_one_file_per_finished_trial_and_again_only_what_was_missing(
    write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_sweep()
    store = Store(Path(load(path).store))
    first, second, third, *_ = make_plan(load(path)).trials
    for planned in (first, second):
        finish(store, planned.key, planned.trial)
    asked: list[str] = []
    read = store_module._read
    monkeypatch.setattr(store_module, "_read", lambda kind, path: asked.append(path) or read(kind, path))
    plan = make_plan(load(path))
    assert len(asked) == 8 == len(set(asked)), "a trial that was never started has no failure to ask for"
    finish(store, third.key, third.trial)
    asked.clear()
    assert [one.state for one in plan.renewed().trials] == ["done"] * 3 + ["new"] * 5
    assert plan.renewed() == make_plan(load(path)) and len(asked) == 6 + 6 + 8


def test_every_trial_is_as_if_it_had_been_checked_on_its_own(write_sweep: SweepWriter) -> None:
    trials = expand(load(write_sweep(seeds=[7, 3, 5])))
    assert [(one.seed, one.model, one.merge) for one in trials] == [
        (seed, model, merge) for seed in (7, 3, 5) for model in ("hiagm", "flat") for merge in ("none", "projection")
    ]
    assert all(Trial.model_validate(one.model_dump()) == one for one in trials)


def test_filters_narrow_and_refuse(write_sweep: SweepWriter) -> None:
    sweep = load(write_sweep())
    assert len(make_plan(sweep, ["model=hiagm", "seed!=2"]).trials) == 2
    assert {p.trial.merge for p in make_plan(sweep, ["merge!=none"]).trials} == {"projection"}
    for text, words in [
        ("modle=hiagm", "Did you mean 'model'"),
        ("model=hiagn", "Did you mean 'hiagm'"),
        ("model", "is not field=value"),
        ("seed=3", "names no seed"),
    ]:
        with pytest.raises(ConfigError, match=words):
            make_plan(sweep, [text])
    with pytest.raises(ConfigError, match="No trial passes"):
        make_plan(sweep, ["seed=1", "seed=2"])


def test_a_missing_corpus_is_a_problem_and_not_a_crash(write_sweep: SweepWriter, tmp_path: Path) -> None:
    plan = make_plan(load(write_sweep(data_dir=str(tmp_path / "empty"))))
    assert list(plan.problems) == ["synthetic"]
    assert {planned.why for planned in plan.trials} == {"its corpus is not prepared"}


def test_time_left_goes_by_the_nearest_finished_trials(write_sweep: SweepWriter) -> None:
    path = write_sweep()
    plan = make_plan(load(path))
    assert plan.seconds_left(2) is None
    store = Store(Path(plan.sweep.store))
    for planned in plan.trials:
        if planned.trial.cell == ("hiagm", "none", "synthetic"):
            finish(store, planned.key, planned.trial, seconds=30.0)
            break
    # hiagm none: 1 left at 30 s; hiagm projection: 2 by the same model; flat: 4 by the same dataset.
    assert make_plan(load(path)).seconds_left(2) == pytest.approx(7 * 30 / 2)


def test_time_left_is_the_sum_of_medians_of_the_nearest(write_sweep: SweepWriter) -> None:
    def brute(todo: Sequence[Cell], finished: Sequence[tuple[Cell, float]]) -> float:
        total = 0.0
        for cell in todo:
            near: list[Callable[[Cell], bool]] = [
                lambda other: other == cell,  # noqa: B023
                lambda other: (other[0], other[2]) == (cell[0], cell[2]),  # noqa: B023
                lambda other: other[2] == cell[2],  # noqa: B023
                lambda other: True,
            ]
            groups = ([seconds for other, seconds in finished if is_near(other)] for is_near in near)
            total += statistics.median(next(group for group in groups if group))
        return total

    generator = random.Random(0)
    cells = [(model, merge, dataset) for model in "ab" for merge in ("none", "masking") for dataset in "xyz"]
    for _ in range(50):
        known = generator.sample(cells, 4)
        finished = [(generator.choice(known), generator.uniform(1, 100)) for _ in range(12)]
        todo = generator.choices(cells, k=20)
        durations = Durations()
        for cell, seconds in finished:
            durations.add(cell, seconds)
        assert durations.estimate(Counter(todo), 3) == pytest.approx(brute(todo, finished) / 3)


def test_what_cannot_change_a_trial_does_not_name_it(write_sweep: SweepWriter) -> None:
    def keys(**changes: object) -> dict[tuple[str, int], str]:
        plan = make_plan(load(write_sweep(models={"flat": {}}, **changes)))
        return {(one.trial.merge, one.trial.seed): one.key for one in plan.trials}

    paper, summed = keys(), keys(combine="sum")
    assert paper["none", 1] == summed["none", 1] and paper["projection", 1] != summed["projection", 1]
    assert keys(branch_reduction="mean_local") == paper, "what the paper does under projection"
    assert keys(branch_reduction="mean_global")["none", 1] == paper["none", 1]
    default = keys(datasets={"synthetic": {"options": {"documents": 600, "roots": 4}}})
    assert default == paper, "an option at its default is the same corpus"


def test_a_split_without_branches_is_the_base_model(write_sweep: SweepWriter) -> None:
    models = {split: {"model": "flat", "split": split} for split in ("hierarchy", "random", "copies")}
    plan = make_plan(load(write_sweep(models=models, seeds=[1])))
    keys = {(one.trial.model, one.trial.merge): one.key for one in plan.trials}
    assert len({keys[split, "none"] for split in models}) == 1
    assert len({keys[split, "projection"] for split in models}) == 3


def test_two_cells_may_be_one_trial(write_sweep: SweepWriter) -> None:
    models = {"hiagm": {}, "wide": {"model": "hiagm", "options": {"node_width": 300}}}
    plan = make_plan(load(write_sweep(models=models)))
    assert len(plan.trials) == 8 and len({planned.key for planned in plan.trials}) == 4


def test_a_local_encoder_is_its_content(write_sweep: SweepWriter, tmp_path: Path) -> None:
    folder = tmp_path / "bert"
    folder.mkdir()
    keys = set()
    for content in ("a", "b"):
        (folder / "model.safetensors").write_text(content)
        content_digest.cache_clear()
        encoder = {"name": "transformer", "options": {"model": str(folder)}}
        keys.add(make_plan(load(write_sweep(encoder=encoder))).trials[0].key)
    assert len(keys) == 2


def test_word_vectors_are_their_content(write_sweep: SweepWriter, tmp_path: Path) -> None:
    keys = []
    for name, content in (("a", "cat 1"), ("b", "cat 2")):
        (tmp_path / f"{name}.txt").write_text(content)
    for vectors in ("", str(tmp_path / "a.txt"), str(tmp_path / "b.txt")):
        encoder = {"name": "lstm", "options": {"vectors": vectors}}
        trial = make_plan(load(write_sweep(encoder=encoder))).trials[0].trial
        keys.append(identity(trial, "f"))
    assert len(set(keys)) == 3
    (tmp_path / "b.txt").write_text("cat 1")
    content_digest.cache_clear()
    assert identity(trial, "f") != keys[2]


@pytest.mark.parametrize(
    "verb", [["harness.sweep", "--dry-run"], ["harness.status"], ["harness.report"], ["harness.plan", "--sd", "0.3"]]
)
def test_plans_reports_and_status_load_neither_torch_nor_ray(write_sweep: SweepWriter, verb: list[str]) -> None:
    module, *flags = verb
    code = (
        "import sys, runpy; sys.argv = [sys.argv[1], *sys.argv[2:]]\n"
        "try: runpy.run_module(sys.argv[0], run_name='__main__')\n"
        "except SystemExit as end: print('exit', end.code)\n"
        "print('loaded', sorted({'torch', 'ray', 'mlflow', 'pyarrow', 'transformers'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, module, str(write_sweep()), *flags]
    run = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True)
    assert "loaded []" in run.stdout, run.stdout + run.stderr
