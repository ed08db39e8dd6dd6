"""Tuning in a report: table, note, sentences, curves."""

import pytest

from harness.analysis.findings import Findings
from harness.analysis.summarise import find
from harness.reporting.collect import collect
from harness.reporting.data_files import search_csv
from harness.reporting.markdown import markdown
from harness.reporting.tuning import budget, sharing, spaces, tuning_curves, tuning_note, tuning_table
from harness.trials.phases import run_phases
from harness.trials.plan import PlannedTrial
from tests.conftest import SweepWriter
from tests.harness.trials.searched import Runner, near, opened, searching


def findings(write_sweep: SweepWriter, **search: object) -> Findings:
    def score(planned: PlannedTrial) -> float | None:
        return None if planned.candidate and planned.candidate.number == 2 else near(0.05)(planned)

    run_phases(plan := opened(searching(write_sweep, {"trials": 6, **search})), Runner(score, 36.0))
    return find(*collect(plan))


def cells(found: Findings, row: int) -> dict[str, str]:
    grid = tuning_table(found)
    texts = ("".join(span.text for line in text for span in line) for text in grid.rows[row])
    return dict(zip(grid.head, texts, strict=True))


def test_the_table_has_both_settings_the_cost_and_what_was_chosen(write_sweep: SweepWriter) -> None:
    found = findings(write_sweep)
    first = cells(found, 0)
    assert first["trials"] == "6 (1 failed)" and first["hours"] == "0.05"
    assert first["validation"].startswith("79.96 → 79.9") or first["validation"].startswith("79.96 → 80")
    assert first["chosen"].startswith("head_lr 0.0")
    assert " → " in first["micro, default → tuned"] and first["Model"] == "flat"


def test_a_row_that_shares_a_search_says_whose(write_sweep: SweepWriter) -> None:
    assert cells(findings(write_sweep, shared_by="model"), 1)["chosen"].startswith("as flat: head_lr ")


def test_the_note_says_how_settings_were_chosen(write_sweep: SweepWriter) -> None:
    note = tuning_note(findings(write_sweep))
    for words in (
        "by the mean of micro and macro F on validation, the same budget for every row: 6 trials, the first with the "
        "settings of the file, the others drawn independently",
        "every row is searched on every dataset by itself",
        "Search seeds: 1000, none of which is reported",
        "verdicts would be others",
        "SHA-256",
    ):
        assert words in note


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ({"hours": 2.0}, "or, if that is less, as many as end within 2 hours"),
        ({"unequal": True}, "unequal budgets, as the file says"),
        ({"searcher": "optuna"}, "tree-structured Parzen"),
    ],
)
def test_what_is_particular_of_a_budget_is_said(
    write_sweep: SweepWriter, search: dict[str, object], words: str
) -> None:
    declared = opened(searching(write_sweep, search)).sweep.search
    assert declared and words in budget(declared)


def test_spaces_are_told_in_words(write_sweep: SweepWriter) -> None:
    space = {
        "trainer.head_lr": {"log_uniform": [1e-3, 1e-1]},
        "trainer.epochs": {"int": [2, 5]},
        "encoder.width": {"choice": [8, 16]},
        "trainer.warmup": {"uniform": [0.0, 0.5]},
    }
    models = {"flat": {}, "hiagm": {"search": {"space": {"options.node_width": {"int": [2, 4]}}}}}
    found = find(*collect(opened(searching(write_sweep, {"space": space}, models=models))))
    first, second = spaces(found)
    assert first == (
        "flat: trainer.head_lr log-uniform from 0.001 to 0.1, trainer.epochs a whole number from 2 to 5, "
        "encoder.width one of 8, 16, trainer.warmup uniform from 0 to 0.5"
    )
    assert second.startswith("hiagm: ") and second.endswith("options.node_width a whole number from 2 to 4")


def test_a_report_has_the_section_the_figure_and_the_trials(write_sweep: SweepWriter) -> None:
    found = findings(write_sweep)
    assert "## Default and tuned" in markdown(found)
    drawing = tuning_curves(found)
    assert drawing and len(drawing.rows) == 1 + 2 * 5
    lines = search_csv(found.tuning).splitlines()  # type: ignore[arg-type]
    assert lines[0] == "key,model,merge,dataset,number,seed,valid_score,stopped,seconds,trainer.head_lr"
    assert len(lines) == 1 + 12 and sum(",,False,0.0," in line for line in lines) == 2


def test_without_a_search_nothing_is_said(write_sweep: SweepWriter) -> None:
    found = find(*collect(opened(write_sweep())))
    assert (tuning_note(found), tuning_table(found).rows, tuning_curves(found)) == ("", (), None)
    assert "tuned" not in markdown(found)


def test_sharing_is_told() -> None:
    from harness.config.search import Search

    assert "every row" in sharing(Search()) and "base merge" in sharing(Search(shared_by="model"))
