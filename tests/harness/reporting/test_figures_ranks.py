"""The forest of ranks: one panel per column, one bar per row, also for a hundred rows."""

from harness.reporting.drawing import encoded, style
from harness.reporting.figures_ranks import ranks
from tests.harness.analysis.test_ranking import flat_sweep, runs
from tests.harness.fake_sweep import results, summary_of, sweep


def test_bars_are_the_intervals_of_the_findings():
    planned = flat_sweep()
    found = summary_of(planned, runs(planned))
    with style():
        drawing = ranks(found)
    assert drawing is not None and len(drawing.rows) == 1 + 3 * len(found.columns)
    axis, ranked = drawing.figure.axes[0], found.ranks[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == [one.title for one in ranked]
    bars = [line for line in axis.get_lines() if line.get_linewidth() == 2.0]
    assert [[round(x) for x in bar.get_xdata()] for bar in bars] == [[*one.interval] for one in ranked]
    assert drawing.rows[1][-2:] == [*ranked[0].interval]


def test_titles_of_sixty_rows_do_not_overlap():
    models = {f"m{place}": {"model": "flat"} for place in range(60)}
    planned = sweep(
        models=models,
        merges=("none",),
        datasets={"wos": {}},
        seeds=tuple(range(5)),
        published=None,
        compare={"against": "m0"},
    )
    found = summary_of(
        planned,
        results(planned, lambda model, merge, dataset, seed, metric: int(model[1:]) + (seed * int(model[1:]) % 7) / 9),
    )
    with style():
        drawing = ranks(found)
        assert drawing is not None and encoded(drawing)["png"]
        drawing.figure.canvas.draw()
        boxes = [label.get_window_extent() for label in drawing.figure.axes[0].get_yticklabels()]
    assert all(above.y0 >= below.y1 - 1 for above, below in zip(boxes, boxes[1:], strict=False))


def test_two_rows_have_no_forest():
    planned = sweep(models={"one": {"model": "flat"}, "two": {"model": "flat"}}, merges=("none",), published=None)
    found = summary_of(planned, results(planned, lambda *_: 80.0))
    assert ranks(found) is None
