"""A sweep file resolves to a grid of trials with every setting decided."""

from harness.config.load import load
from harness.trials.plan import Plan
from harness.trials.settings import TrainedSettings, TrialSettings, expand
from models import TEXT_ENCODERS
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


def test_a_text_encoder_has_learning_rates_of_its_own_where_a_sweep_file_names_none(write_sweep: SweepWriter) -> None:
    paper = {"encoder_lr": 2e-5, "head_lr": 1e-4}
    models = {
        "flat": {},
        "named": {"model": "flat", "trainer": {"head_lr": 0.5}},
        "lstm": {"model": "flat", "encoder": {"name": "lstm"}},
        "bert": {"model": "flat", "encoder": {"name": "transformer"}},
    }
    trials = expand(load(write_sweep(models=models, merges=["none"], trainer={"epochs": 2})))
    found = {one.model: one.trainer for one in trials if isinstance(one, TrainedSettings)}
    expected = {name: TEXT_ENCODERS[name].learning_rates for name in ("bag", "lstm", "transformer")}
    assert expected["transformer"] == paper and all(rate >= 1e-3 for rate in expected["bag"].values())
    rates = {name: {"encoder_lr": one.encoder_lr, "head_lr": one.head_lr} for name, one in found.items()}
    assert rates == {
        "flat": expected["bag"],
        "named": expected["bag"] | {"head_lr": 0.5},
        "lstm": expected["lstm"],
        "bert": paper,
    }


def test_every_trial_is_as_if_it_had_been_checked_on_its_own(write_sweep: SweepWriter) -> None:
    trials = expand(load(write_sweep(seeds=[7, 3, 5])))
    assert [(one.seed, one.model, one.merge) for one in trials] == [
        (seed, model, merge) for seed in (7, 3, 5) for model in ("hiagm", "flat") for merge in ("none", "projection")
    ]
    assert all(TrialSettings.read(one.model_dump()) == one for one in trials)
