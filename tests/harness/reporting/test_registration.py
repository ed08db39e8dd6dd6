"""A report says whether the frozen plan was followed, and counts the looks at results."""

import json

import pytest

from harness.analysis.summarise import find
from harness.config.load import load
from harness.report import main
from harness.reporting.collect import collect
from harness.reporting.markdown import markdown
from harness.reporting.registration import num_looks, registration
from harness.trials import plan_file
from harness.trials.plan import Plan
from tests.conftest import SweepWriter
from tests.harness.trials.test_preregistration import TRAINER, finish, frozen


def test_a_followed_plan(write_sweep: SweepWriter) -> None:
    path = write_sweep()
    plan = Plan.open(load(path))
    assert registration(plan).frozen == ""
    written = frozen(path).read_bytes()
    finish(plan, plan.trials[0], 1)
    found = registration(Plan.open(load(path)))
    assert found.num_older == 0 and found.changes == () and len(found.sha256) == 64
    assert frozen(path).read_bytes() == written, "written once"
    text = markdown(find(*collect(Plan.open(load(path)), is_interim=True)))
    assert f"Pre-registered: yes (plan {found.sha256[:12]}, frozen {found.frozen}), and followed." in text


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


def test_a_plan_that_came_after_the_first_result(write_sweep: SweepWriter) -> None:
    path = write_sweep()
    plan = Plan.open(load(path))
    finish(plan, plan.trials[0], -1)
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


def test_published_scores_are_part_of_the_plan(write_sweep: SweepWriter) -> None:
    def published(score: float) -> dict[str, object]:
        return {"paper": {"source": "somewhere", "scores": {"hiagm/none": {"synthetic": {"micro_f1": score}}}}}

    claim = {"text": "x", "kind": "exceeds", "source": "paper", "rows": ["hiagm/none"], "data": ["synthetic"]}
    claims = {"C1": claim | {"metrics": ["micro_f1"]}}
    frozen(write_sweep(claims=claims, published=published(80.0)))
    found = registration(Plan.open(load(write_sweep(claims=claims, published=published(90.0)))))
    assert found.changes == ("published.paper.scores.hiagm/none.synthetic.micro_f1.mean: 80.0 -> 90.0",)


def test_a_look_is_a_new_set_of_finished_trials_that_was_tested(write_sweep: SweepWriter) -> None:
    path = write_sweep(models={"flat": {}})
    plan = Plan.open(load(path))
    assert num_looks(plan, is_tested=False) == 0
    *most, last = plan.trials
    for planned in most:
        finish(plan, planned, 0)
    assert find(*collect(Plan.open(load(path)))).facts.looks == 0, "one pair is no test"
    finish(plan, last, 0)
    assert find(*collect(Plan.open(load(path)), is_interim=True)).facts.looks == 0
    assert [find(*collect(Plan.open(load(path)))).facts.looks for _ in range(2)] == [1, 1]
    more = write_sweep(models={"flat": {}}, seeds=[1, 2, 3])
    plan = Plan.open(load(more))
    finish(plan, next(one for one in plan.trials if not one.record), 0)
    summary = find(*collect(Plan.open(load(more))))
    assert summary.facts.looks == 2
    assert "More looks than the planned one" in markdown(summary)


def test_standing_controls_alone_are_no_look(write_sweep: SweepWriter) -> None:
    path = write_sweep(models={"flat": {}}, controls=["constant", "linear"])
    plan = Plan.open(load(path))
    for planned in plan.trials:
        if plan.sweep.is_standing(planned.settings.model):
            finish(plan, planned, 0)
    assert find(*collect(Plan.open(load(path)))).facts.looks == 0


def test_a_plan_whose_results_were_tested_twice_was_not_followed(write_sweep: SweepWriter) -> None:
    path = write_sweep(models={"flat": {}}, seeds=[1, 2, 3])
    frozen(path)
    plan = Plan.open(load(path))
    *most, last = plan.trials
    for planned in most:
        finish(plan, planned, 1)
    text = markdown(find(*collect(Plan.open(load(path)))))
    assert "looks = 1." in text and "and followed." in text
    finish(plan, last, 1)
    for _ in range(2):
        findings = find(*collect(Plan.open(load(path))))
        text = markdown(findings)
        assert "looks = 2." in text and "and not followed: looks: 1 -> 2." in text
        assert "and followed" not in text and findings.facts.registration.changes == ("looks: 1 -> 2",)


def test_a_filtered_report_is_a_look_at_what_is_finished_and_says_what_it_leaves_out(
    write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep()
    frozen(path)
    plan = Plan.open(load(path))
    for planned in plan.trials:
        finish(plan, planned, -1 if planned.settings.model == "hiagm" else 1)
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
    for planned in plan.trials:
        if planned.settings.merge != "none":
            finish(plan, planned, 0)
    assert find(*collect(Plan.open(load(path)))).facts.looks == 1, "masking and projection: which is best"


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
    file.write_text(json.dumps(content | {"sha256": plan_file.digest(content["plan"])}))
    assert registration(Plan.open(load(path))).changes == changes
    followed = "and followed" if not changes else "and not followed: statistics.correction"
    assert followed in markdown(find(*collect(Plan.open(load(path)), is_interim=True)))
