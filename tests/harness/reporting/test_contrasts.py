"""Tables of comparisons by what is compared: lists, matrices of all pairs, words for the reference."""

import pytest

from harness.analysis.design import MOST_PAIRS_LISTED, listed_contrasts, num_comparisons, planned_contrasts
from harness.reporting.contrasts import comparison_table, differences_words, pair_matrices, reference_words
from harness.reporting.figures import differences
from harness.reporting.markdown import markdown
from tests.harness.fake_sweep import noisy, results, summary_of, sweep


def plan(num_models=7, **changes):
    models = {f"m{place}": {"model": "flat", "label": f"M{place}"} for place in range(num_models)}
    data = {"merges": ("none",), "datasets": {"wos": {"label": "WOS"}}, "seeds": tuple(range(5)), "published": None}
    return sweep(**{"models": models, **data, **changes})


def found_of(planned):
    def score(model, merge, dataset, seed, metric):
        return 80.0 + 2 * int(model[1:]) + 0.01 * ((seed * 7 + int(model[1:]) * 3) % 5)

    return summary_of(planned, results(planned, score))


def cell_texts(grid):
    return [["".join(span.text for line in text for span in line) for text in row] for row in grid.rows]


def test_many_pairs_have_a_matrix_for_each_column_and_single_contrasts_a_list():
    planned = plan(compare="pairs", contrasts=(("m0", "m1"),))
    assert num_comparisons(planned) == {"averages": 0, "datasets": 2 * 21} and MOST_PAIRS_LISTED < 20
    found = found_of(planned)
    titles = [title for title, _ in pair_matrices(found)]
    assert titles == ["WOS micro", "WOS macro"]
    (_, grid), _ = pair_matrices(found)
    texts = cell_texts(grid)
    assert [row[0] for row in texts] == [f"{place + 1} M{place}" for place in range(7)]
    assert texts[0][1:] == [""] * 6 and texts[6][1].startswith("+12.0") and "▲" in texts[6][1]
    assert texts[1][1].startswith("+2.0") and "▲" in texts[1][1], "turned: the single contrast is m0 - m1"
    assert [row[0] for row in cell_texts(comparison_table(found))] == ["M0 - M1"] * 2
    text = markdown(found)
    assert "## All pairs, WOS macro" in text and "than the row named second" in text
    assert all(cell.marks == "" for row in found.rows for cell in row.cells)
    assert len(differences(found).rows) == 1 + 2, "only what is listed is drawn"


def test_few_pairs_are_listed_with_both_rows_named():
    planned = plan(3, compare="pairs")
    assert listed_contrasts(planned) == planned_contrasts(planned) and not list(pair_matrices(found_of(planned)))
    rows = [row[0] for row in cell_texts(comparison_table(found_of(planned)))]
    assert rows[::2] == ["M1 - M0", "M2 - M0", "M2 - M1"]


@pytest.mark.parametrize(
    ("changes", "reference", "whose"),
    [
        ({}, "the same model with merge none", "from the base merge"),
        ({"compare": {"against": "hiagm/none"}}, "HiAGM", "from HiAGM"),
        ({"compare": "pairs"}, "", "between two rows"),
        (
            {"contrasts": (("hitin/masking", "hiagm/masking"),)},
            "the same model with merge none",
            "from the base merge, and of single contrasts",
        ),
    ],
)
def test_words_for_what_is_compared(changes, reference, whose):
    planned = sweep(**changes)
    found = summary_of(planned, noisy(planned))
    assert (reference_words(found), differences_words(found)) == (reference, whose)
    assert f"than {reference or 'the row named second'}" in markdown(found)
