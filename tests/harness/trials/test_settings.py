"""What a sweep file resolves to, trial by trial, and what a trial is identified by."""

import ast
from pathlib import Path

import pytest

from harness.config.load import load
from harness.core.errors import ConfigError
from harness.trials.identity import NOT_IDENTITY, content_digest, identity
from harness.trials.plan import Plan
from harness.trials.settings import TrialSettings, expand
from tests.conftest import SweepWriter


def test_the_grid_is_complete_and_every_trial_is_its_own(write_sweep: SweepWriter) -> None:
    plan = Plan.open(load(write_sweep()))
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
    assert changes.keys() == TrialSettings.model_fields.keys()
    for field, value in changes.items():
        changed = identity(trial.model_copy(update={field: value}), "f")
        assert (changed == before) == (field in NOT_IDENTITY), field
    assert identity(trial, "g") != before


def test_identity_follows_the_numerics_version(write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.core.registry import Component

    trial = expand(load(write_sweep()))[0]
    before = identity(trial, "f")
    for module in ("training", "gcn", "bag"):
        monkeypatch.setattr(Component, "numerics", property(lambda self, raised=module: {raised: 2}))
        assert identity(trial, "f") != before


def test_identity_reads_each_source_file_once(write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    cells, later = expand(load(write_sweep(seeds=[0]))), expand(load(write_sweep(seeds=list(range(1, 50)))))
    assert len({identity(trial, "f") for trial in cells}) == len(cells) == 4
    monkeypatch.setattr(ast, "parse", lambda source: pytest.fail("read again"))
    for trial in later:
        identity(trial, "f")


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


def test_every_trial_is_as_if_it_had_been_checked_on_its_own(write_sweep: SweepWriter) -> None:
    trials = expand(load(write_sweep(seeds=[7, 3, 5])))
    assert [(one.seed, one.model, one.merge) for one in trials] == [
        (seed, model, merge) for seed in (7, 3, 5) for model in ("hiagm", "flat") for merge in ("none", "projection")
    ]
    assert all(TrialSettings.model_validate(one.model_dump()) == one for one in trials)


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


def test_what_cannot_change_a_trial_does_not_name_it(write_sweep: SweepWriter) -> None:
    def keys(**changes: object) -> dict[tuple[str, int], str]:
        plan = Plan.open(load(write_sweep(models={"flat": {}}, **changes)))
        return {(one.settings.merge, one.settings.seed): one.key for one in plan.trials}

    paper, summed = keys(), keys(combine="sum")
    assert paper["none", 1] == summed["none", 1] and paper["projection", 1] != summed["projection", 1]
    assert keys(branch_reduction="mean_local") == paper, "what the paper does under projection"
    assert keys(branch_reduction="mean_global")["none", 1] == paper["none", 1]
    default = keys(datasets={"synthetic": {"options": {"documents": 600, "roots": 4}}})
    assert default == paper, "an option at its default is the same corpus"


def test_a_split_without_branches_is_the_base_model(write_sweep: SweepWriter) -> None:
    models = {split: {"model": "flat", "split": split} for split in ("hierarchy", "random", "copies")}
    plan = Plan.open(load(write_sweep(models=models, seeds=[1])))
    keys = {(one.settings.model, one.settings.merge): one.key for one in plan.trials}
    assert len({keys[split, "none"] for split in models}) == 1
    assert len({keys[split, "projection"] for split in models}) == 3


def test_two_cells_may_be_one_trial(write_sweep: SweepWriter) -> None:
    models = {"hiagm": {}, "wide": {"model": "hiagm", "options": {"node_width": 300}}}
    plan = Plan.open(load(write_sweep(models=models)))
    assert len(plan.trials) == 8 and len({planned.key for planned in plan.trials}) == 4


def test_a_local_encoder_is_its_content(write_sweep: SweepWriter, tmp_path: Path) -> None:
    folder = tmp_path / "bert"
    folder.mkdir()
    keys = set()
    for content in ("a", "b"):
        (folder / "model.safetensors").write_text(content)
        content_digest.cache_clear()
        encoder = {"name": "transformer", "options": {"model": str(folder)}}
        keys.add(Plan.open(load(write_sweep(encoder=encoder))).trials[0].key)
    assert len(keys) == 2


def test_word_vectors_are_their_content(write_sweep: SweepWriter, tmp_path: Path) -> None:
    keys = []
    for name, content in (("a", "cat 1"), ("b", "cat 2")):
        (tmp_path / f"{name}.txt").write_text(content)
    for vectors in ("", str(tmp_path / "a.txt"), str(tmp_path / "b.txt")):
        encoder = {"name": "lstm", "options": {"vectors": vectors}}
        trial = Plan.open(load(write_sweep(encoder=encoder))).trials[0].settings
        keys.append(identity(trial, "f"))
    assert len(set(keys)) == 3
    (tmp_path / "b.txt").write_text("cat 1")
    content_digest.cache_clear()
    assert identity(trial, "f") != keys[2]
