"""What stands first under the main table: above or below `linear`; the table of ranks."""

from harness.reporting.latex import latex
from harness.reporting.markdown import markdown
from harness.reporting.standing import linear_note, linear_table, rank_note, rank_rows, rank_table
from tests.harness.analysis.test_ranking import flat_sweep, runs
from tests.harness.fake_sweep import noisy, summary_of, sweep

PLAN = flat_sweep()
FOUND = summary_of(PLAN, runs(PLAN))


def test_rows_below_linear_are_counted_without_controls_and_named_with_them():
    first, second = linear_note(FOUND)
    assert first == (
        "Against linear: "
        + "; ".join(
            f"1 of 2 rows are below on {column} (1 with a 95 % interval below 0)"
            for column in ("WOS micro", "WOS macro", "NYT micro", "NYT macro")
        )
        + "."
    )
    assert second.endswith("in every column that both have: One, Aside, constant.")


def test_the_sentence_and_the_table_come_before_every_footnote():
    text = markdown(FOUND)
    assert "| One↓ |" in text and "| Two |" in text
    assert text.index("| Two |") < text.index("Against linear:") < text.index("- Mean ± sd")
    grid = linear_table(FOUND)
    assert grid.head == ("Model", *(column.title for column in FOUND.columns)) and len(grid.rows) == 4
    assert latex(FOUND).isascii()


def test_one_run_is_told_of_in_the_cell_and_below():
    text = markdown(FOUND)
    line = next(line for line in text.splitlines() if line.startswith("| linear | 82.00"))
    assert "<br>n=1" in line and "±" not in line
    assert "There is one run each of linear, constant: n = 1, no sd." in text
    assert "another run" not in text, "no seed changes these"


def test_ranks_have_a_table_and_numbers():
    texts = [["".join(span.text for line in cell for span in line) for cell in row] for row in rank_table(FOUND).rows]
    assert texts[0][:2] == ["Two", "1 [1]"] and len(texts) == 3
    assert "with 95 % confidence" in rank_note(FOUND)
    assert rank_rows(FOUND)[1][:3] == ["two/none", "Two", "WOS micro"]


def test_without_linear_nothing_is_said_of_it():
    planned = sweep()
    text = markdown(summary_of(planned, noisy(planned)))
    assert "Against linear" not in text and "Difference from" not in text and "↓" not in text
