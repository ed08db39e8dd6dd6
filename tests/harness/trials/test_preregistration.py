"""Plans are frozen once, and what differs from them is said."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.config.load import load
from harness.core.resampling import Resampling
from harness.reporting.registration import registration
from harness.trials import plan_file, preregistration
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.preregistration import freeze
from tests.conftest import SweepWriter
from tests.harness.predicted_trials import predict

TRAINER = {"epochs": 2, "batch_size": 32, "encoder_lr": 0.02, "head_lr": 0.01}
SYNTHETIC = {"options": {"documents": 600}}


def finish(plan: Plan, planned: PlannedTrial, hours: float) -> None:
    """Finishes a trial so many hours from now."""
    predict(plan, [planned])
    made = plan.store.record(planned.key)
    assert made is not None
    when = (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds")
    plan.store.finish(made.model_copy(update={"finished": when}))


def frozen(path: Path) -> Path:
    sweep = load(path)
    freeze(Plan.open(sweep))
    return Path(sweep.store) / "tiny.plan.json"


def test_a_plan_that_was_frozen_before_claims_had_sources_is_followed(write_sweep: SweepWriter) -> None:
    claim = {"text": "it rises", "kind": "rises", "rows": ["hiagm/projection"], "data": ["synthetic"]}
    path = frozen(write_sweep(claims={"C1": claim}))
    promised = json.loads(path.read_text("utf-8"))["plan"]
    assert "source" not in promised["claims"]["C1"] and promised["published"] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"datasets": {"synthetic": {"reader": "wos", "options": {}}}}, "settings.corpus: "),
        ({"datasets": {"synthetic": SYNTHETIC | {"train_documents": 50}}}, "settings.train_documents: 0 -> 50"),
        ({"combine": "sum"}, 'settings.combine: "max" -> {"none": "max", "projection": "sum"}'),
        ({"priors": "train"}, 'settings.priors: "train+val" -> "train"'),
        ({"encoder": {"name": "bag", "options": {"width": 9}}}, "settings.encoder_options.width: 8 -> 9"),
        ({"models": {"hiagm": {"options": {"node_width": 5}}, "flat": {}}}, ".node_width.hiagm: 4 -> 5"),
        (
            {"models": {"hiagm": {"trainer": {"select": "macro"}}, "flat": {}}},
            'settings.trainer.select: "per_metric" -> {"hiagm": "macro", "flat": "per_metric"}',
        ),
    ],
)
def test_what_is_compared_is_part_of_the_plan(write_sweep: SweepWriter, change: dict[str, object], said: str) -> None:
    frozen(write_sweep())
    assert any(said in text for text in registration(Plan.open(load(write_sweep(**change)))).changes)


def test_order_wording_and_resources_are_no_part_of_the_plan(write_sweep: SweepWriter) -> None:
    claim = {"text": "it rises", "kind": "rises", "rows": ["flat/projection"], "data": ["synthetic"]}
    frozen(write_sweep(claims={"C1": claim}))
    changed = write_sweep(
        claims={"C1": claim | {"text": "it surely rises"}},
        seeds=[2, 1],
        merges=["projection", "none"],
        resources={"cpus": 2},
    )
    assert registration(Plan.open(load(changed))).changes == ()


def test_a_plan_of_many_cells_is_small(write_sweep: SweepWriter) -> None:
    models = {f"m{width}": {"model": "hiagm", "options": {"node_width": width}} for width in range(1, 101)}
    settings = preregistration.protocol(Plan.open(load(write_sweep(models=models))))["settings"]
    assert settings["structure_options.node_width"] == {f"m{width}": width for width in range(1, 101)}
    assert len(json.dumps(settings)) < 10_000, "of 200 cells"


def test_a_plan_can_be_mended_until_one_of_its_trials_is_finished(write_sweep: SweepWriter) -> None:
    file = frozen(write_sweep())
    path = write_sweep(statistics={"alpha": 0.1})
    assert json.loads(frozen(path).read_text())["plan"]["statistics"]["alpha"] == 0.1
    assert registration(Plan.open(load(path))).changes == ()
    plan = Plan.open(load(path))
    finish(plan, plan.trials[0], 1)
    kept = file.read_bytes()
    assert frozen(write_sweep(statistics={"alpha": 0.01}, trainer={"epochs": 7})).read_bytes() == kept


@pytest.mark.parametrize("change", [{"models": {"flat": {}}}, {"merges": ["none"]}, {"seeds": [2, 3]}])
def test_the_hash_follows_what_is_tested(write_sweep: SweepWriter, change: dict[str, object]) -> None:
    one, other = (plan_file.digest(preregistration.protocol(Plan.open(load(write_sweep(**kw))))) for kw in ({}, change))
    assert one != other


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"paired": False}, "statistics.paired: true -> false"),
        ({"other_test_documents": ["synthetic"]}, 'statistics.other_test_documents: [] -> ["synthetic"]'),
    ],
)
def test_what_decides_the_tests_is_part_of_the_plan(
    write_sweep: SweepWriter, change: dict[str, object], said: str
) -> None:
    frozen(write_sweep(seeds=[1, 2, 3]))
    assert registration(Plan.open(load(write_sweep(seeds=[1, 2, 3], statistics=change)))).changes == (said,)


def test_how_documents_are_resampled_is_part_of_the_plan(
    write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen(path := write_sweep())
    monkeypatch.setattr(preregistration, "Resampling", lambda: Resampling(draws=7))
    assert registration(Plan.open(load(path))).changes == ("resampling.draws: 1000 -> 7",)


def test_seeds_of_one_model_are_part_of_the_plan(write_sweep: SweepWriter) -> None:
    models: dict[str, Any] = {"flat": {"seeds": [5, 7]}, "hiagm": {"options": {"node_width": 4, "logit_dropout": 0.0}}}
    file = frozen(write_sweep(models=models))
    more = write_sweep(models={**models, "flat": {"seeds": [5, 7, 9]}})
    assert registration(Plan.open(load(more))).changes == ("own_seeds.flat: [5, 7] -> [5, 7, 9]",)
    plan = Plan.open(load(write_sweep(models=models)))
    finish(plan, next(one for one in plan.trials if one.settings.model == "flat"), 1)
    kept = file.read_bytes()
    assert frozen(write_sweep(models=models, statistics={"alpha": 0.01})).read_bytes() == kept, "seed 5 was seen"


def test_a_plan_is_kept_once_a_system_is_finished(write_sweep: SweepWriter) -> None:
    models: dict[str, Any] = {"linear": {}, "flat": {}}
    file = frozen(path := write_sweep(models=models))
    plan = Plan.open(load(path))
    finish(plan, next(one for one in plan.trials if one.settings.model == "linear"), 1)
    kept = file.read_bytes()
    assert frozen(write_sweep(models=models, statistics={"alpha": 0.01})).read_bytes() == kept


def test_a_plan_is_kept_once_a_trial_of_one_model_s_own_merge_is_finished(write_sweep: SweepWriter) -> None:
    models = {"flat": {"merges": ["masking"]}, "hiagm": {"options": {"node_width": 4, "logit_dropout": 0.0}}}
    file = frozen(path := write_sweep(models=models))
    plan = Plan.open(load(path))
    finish(plan, next(one for one in plan.trials if one.settings.model == "flat"), 1)
    kept = file.read_bytes()
    assert frozen(write_sweep(models=models, statistics={"alpha": 0.01})).read_bytes() == kept
    # One that an earlier version froze is kept as well, whatever else it says.
    content = json.loads(kept)
    earlier = {name: content["plan"][name] for name in ("models", "datasets", "seeds")} | {"merges": ["masking"]}
    file.write_text(json.dumps(content | {"plan": earlier, "sha256": plan_file.digest(earlier)}))
    kept = file.read_bytes()
    assert frozen(path).read_bytes() == kept and registration(Plan.open(load(path))).changes != ()
