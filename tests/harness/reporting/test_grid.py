"""Grids of text have plain cells of one line."""

from harness.reporting.grid import Grid, Span, plain


def test_a_grid_of_text_is_one_of_plain_cells() -> None:
    made = Grid.of_text(["a", "b"], [["1", "2"], ["3", "4"]], [1])
    assert made == Grid(("a", "b"), ((plain("1"), plain("2")), (plain("3"), plain("4"))), (1,))
    assert plain("1") == ((Span("1", bold=False, underlined=False),),)
