"""Plans are frozen once, what differs from them is said, and looks are counted."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.analysis.summarise import find
from harness.config.load import load
from harness.core.resampling import Resampling
from harness.report import main
from harness.reporting.collect import collect
from harness.reporting.markdown import markdown
from harness.trials import preregistration
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.preregistration import freeze, num_looks, registration
from harness.trials.store import Store
from tests.conftest import SweepWriter
from tests.harness.trials.test_plan import record

TRAINER = {"epochs": 2, "batch_size": 32, "encoder_lr": 0.02, "head_lr": 0.01}


def finish(store: Store, planned: PlannedTrial, hours: float) -> None:
    """Finishes a trial so many hours from now."""
    store.folder(planned.key).mkdir(parents=True, exist_ok=True)
    when = (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds")
    made = record(planned.key, planned.settings)
    store.finish(made.model_copy(update={"finished": when, "predictions_sha256": planned.key}))


def frozen(path: Path) -> Path:
    sweep = load(path)
    freeze(Plan.open(sweep))
    return Path(sweep.store) / "tiny.plan.json"


def test_a_followed_plan(write_sweep: SweepWriter) -> None:
    path = write_sweep()
    plan = Plan.open(load(path))
    assert registration(plan).frozen == ""
    written = frozen(path).read_bytes()
    finish(Store(Path(plan.sweep.store)), plan.trials[0], 1)
    found = registration(Plan.open(load(path)))
    assert found.num_older == 0 and found.changes == () and len(found.sha256) == 64
    assert frozen(path).read_bytes() == written, "written once"
    text = markdown(find(*collect(Plan.open(load(path)), is_interim=True)))
    assert f"Pre-registered: yes (plan {found.sha256[:12]}, frozen {found.frozen}), and followed." in text


def test_a_plan_that_was_frozen_before_claims_had_sources_is_followed(write_sweep: SweepWriter) -> None:
    claim = {"text": "it rises", "kind": "rises", "rows": ["hiagm/projection"], "data": ["synthetic"]}
    path = frozen(write_sweep(claims={"C1": claim}))
    promised = json.loads(path.read_text("utf-8"))["plan"]
    assert "source" not in promised["claims"]["C1"] and promised["published"] is None


def test_published_scores_are_part_of_the_plan(write_sweep: SweepWriter) -> None:
    def published(score: float) -> dict[str, object]:
        return {"paper": {"source": "somewhere", "scores": {"hiagm/none": {"synthetic": {"micro_f1": score}}}}}

    claim = {"text": "x", "kind": "exceeds", "source": "paper", "rows": ["hiagm/none"], "data": ["synthetic"]}
    claims = {"C1": claim | {"metrics": ["micro_f1"]}}
    frozen(write_sweep(claims=claims, published=published(80.0)))
    found = registration(Plan.open(load(write_sweep(claims=claims, published=published(90.0)))))
    assert found.changes == ("published.paper.scores.hiagm/none.synthetic.micro_f1.mean: 80.0 -> 90.0",)


def test_what_the_sweep_file_says_otherwise_by_now(write_sweep: SweepWriter) -> None:
    frozen(write_sweep())
    changed = write_sweep(seeds=[1, 2, 3], statistics={"alpha": 0.1}, trainer=TRAINER | {"epochs": 5})
    found = registration(Plan.open(load(changed)))
    assert found.changes == (
        "seeds: [1, 2] -> [1, 2, 3]",
        "settings.trainer.epochs: 2 -> 5",
        "statistics.alpha: 0.05 -> 0.1",
    )
    text = markdown(find(*collect(Plan.open(load(changed)), is_interim=True)))
    assert "Planned n = 2, looks = 0." in text, "the frozen plan's"
    assert "and not followed: seeds: [1, 2] -&gt; [1, 2, 3], settings.trainer" in text.replace(">", "&gt;")


SYNTHETIC = {"options": {"documents": 600}}


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
    finish(Store(Path(plan.sweep.store)), plan.trials[0], 1)
    kept = file.read_bytes()
    assert frozen(write_sweep(statistics={"alpha": 0.01}, trainer={"epochs": 7})).read_bytes() == kept


def test_a_plan_that_came_after_the_first_result(write_sweep: SweepWriter) -> None:
    path = write_sweep()
    plan = Plan.open(load(path))
    finish(Store(Path(plan.sweep.store)), plan.trials[0], -1)
    frozen(path)
    assert registration(Plan.open(load(path))).num_older == 1
    text = markdown(find(*collect(Plan.open(load(path)), is_interim=True)))
    assert "Pre-registered: no; 1 results are older than the plan" in text


def test_an_edited_plan(write_sweep: SweepWriter) -> None:
    path = write_sweep()
    file = frozen(path)
    content = json.loads(file.read_text())
    content["plan"]["seeds"] = [7]
    file.write_text(json.dumps(content))
    assert registration(Plan.open(load(path))).changes[0] == "the frozen plan itself was edited"


def test_a_look_is_a_new_set_of_finished_trials_that_was_tested(write_sweep: SweepWriter) -> None:
    path = write_sweep(models={"flat": {}})
    plan = Plan.open(load(path))
    store = Store(Path(plan.sweep.store))
    assert num_looks(plan, is_tested=False) == 0
    *most, last = plan.trials
    for planned in most:
        finish(store, planned, 0)
    assert find(*collect(Plan.open(load(path)))).facts.looks == 0, "one pair is no test"
    finish(store, last, 0)
    assert find(*collect(Plan.open(load(path)), is_interim=True)).facts.looks == 0
    assert [find(*collect(Plan.open(load(path)))).facts.looks for _ in range(2)] == [1, 1]
    more = write_sweep(models={"flat": {}}, seeds=[1, 2, 3])
    plan = Plan.open(load(more))
    finish(store, next(one for one in plan.trials if not one.record), 0)
    summary = find(*collect(Plan.open(load(more))))
    assert summary.facts.looks == 2
    assert "More looks than the planned one" in markdown(summary)


def test_a_filtered_report_is_a_look_at_what_is_finished_and_says_what_it_leaves_out(
    write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep()
    frozen(path)
    store = Store(Path(load(path).store))
    for planned in Plan.open(load(path)).trials:
        finish(store, planned, -1 if planned.settings.model == "hiagm" else 1)
    one_merge = Plan.open(load(path), ["model=flat", "merge=none"])
    assert find(*collect(one_merge)).facts.looks == 0, "nothing to compare it with"
    assert main([str(path), "--filter", "model=flat"]) == 0
    text = capsys.readouterr().out
    assert "**Only the trials of --filter model=flat: 4 of the 8 planned ones, of which 4 have run." in text
    assert "Unfinished" not in text and "looks = 1." in text
    assert "4 results are older than the plan" in text, "those of the other model"
    assert find(*collect(Plan.open(load(path)))).facts.looks == 1, "no more is finished"


def test_two_merges_with_several_runs_are_a_look_whichever_they_are(write_sweep: SweepWriter) -> None:
    path = write_sweep(models={"flat": {}}, merges=["none", "masking", "projection"])
    plan = Plan.open(load(path))
    store = Store(Path(plan.sweep.store))
    for planned in plan.trials:
        if planned.settings.merge != "none":
            finish(store, planned, 0)
    assert find(*collect(Plan.open(load(path)))).facts.looks == 1, "masking and projection: which is best"


@pytest.mark.parametrize("change", [{"models": {"flat": {}}}, {"merges": ["none"]}, {"seeds": [2, 3]}])
def test_the_hash_follows_what_is_tested(write_sweep: SweepWriter, change: dict[str, object]) -> None:
    one, other = (
        preregistration.digest(preregistration.protocol(Plan.open(load(write_sweep(**kw))))) for kw in ({}, change)
    )
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


def test_a_plan_is_kept_once_a_trial_of_one_model_s_own_merge_is_finished(write_sweep: SweepWriter) -> None:
    models = {"flat": {"merges": ["masking"]}, "hiagm": {"options": {"node_width": 4, "logit_dropout": 0.0}}}
    file = frozen(path := write_sweep(models=models))
    plan = Plan.open(load(path))
    finish(Store(Path(plan.sweep.store)), next(one for one in plan.trials if one.settings.model == "flat"), 1)
    kept = file.read_bytes()
    assert frozen(write_sweep(models=models, statistics={"alpha": 0.01})).read_bytes() == kept
    # One that an earlier version froze is kept as well, whatever else it says.
    content = json.loads(kept)
    earlier = {name: content["plan"][name] for name in ("models", "datasets", "seeds")} | {"merges": ["masking"]}
    file.write_text(json.dumps(content | {"plan": earlier, "sha256": preregistration.digest(earlier)}))
    kept = file.read_bytes()
    assert frozen(path).read_bytes() == kept and registration(Plan.open(load(path))).changes != ()


@pytest.mark.parametrize(
    ("retired", "changes"),
    [
        ({"first_look": 0, "correction": "holm", "families": "two"}, ()),
        (
            {"first_look": 5, "correction": "bh", "families": "two"},
            ('statistics.correction: "bh" -> null', "statistics.first_look: 5 -> null"),
        ),
    ],
)
def test_a_field_that_is_gone_changes_nothing_where_the_plan_said_what_is_done_today(
    write_sweep: SweepWriter, retired: dict[str, object], changes: tuple[str, ...]
) -> None:
    file = frozen(path := write_sweep())
    content = json.loads(file.read_text())
    content["plan"]["statistics"] |= retired
    file.write_text(json.dumps(content | {"sha256": preregistration.digest(content["plan"])}))
    assert registration(Plan.open(load(path))).changes == changes
    followed = "and followed" if not changes else "and not followed: statistics.correction"
    assert followed in markdown(find(*collect(Plan.open(load(path)), is_interim=True)))
