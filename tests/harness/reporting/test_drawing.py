"""Files of a figure are equal bytes for equal numbers; colours are apart, panels in rows."""

from harness.analysis.summarise import find
from harness.reporting.drawing import COLOURS, compared, encoded, layout, panels
from harness.reporting.figures import differences
from tests.harness.fake_sweep import facts, noisy, sweep

TABLE = sweep()
SUMMARY = find(TABLE, noisy(TABLE), facts(TABLE))


def test_equal_numbers_give_equal_bytes():
    one, other = (encoded(differences(SUMMARY)) for _ in range(2))
    assert one == other
    assert one["png"].startswith(b"\x89PNG") and b"RCV1 macro" in one["svg"]


def test_panels_fill_rows_and_leave_the_rest_empty():
    figure, axes = panels(5, 2.0, 1.0, most=3)
    assert len(axes) == 5 and [axis.axison for axis in figure.axes] == [True] * 5 + [False]
    assert tuple(figure.get_size_inches()) == (6.0, 2.4)


def test_compared_rows_and_columns_are_listed_once():
    items = compared(SUMMARY)
    assert len(items) == 32 and len(layout(SUMMARY, items)[0]) == 4
    _, found = layout(SUMMARY, items[:3])
    assert [(column.title, inside) for column, inside in found] == [(item.column.title, [item]) for item in items[:3]]


def test_colours_are_apart():
    assert len(set(COLOURS)) == 6
