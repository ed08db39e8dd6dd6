"""Tuning in a report: settings of the sweep file beside chosen ones, what choosing cost, and tuning curves."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.analysis.findings import Findings
from harness.analysis.index import METRIC_TITLES
from harness.analysis.tuned import Gain, TunedRow
from harness.config.search import Dimension, Search
from harness.core.text import listed
from harness.reporting.drawing import COLOURS, Drawing, panels
from harness.reporting.notation import NONE, mean_sd, points, signed, with_interval
from harness.reporting.tables import Grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BORDER = "¦"
_METRICS = {"micro": "micro F", "macro": "macro F", "mean": "the mean of micro and macro F"}


def tuning_table(findings: Findings) -> Grid:
    """Each searched row on each dataset: scores with both settings, what was chosen, and what that took."""
    metrics = findings.sweep.statistics.star_metrics
    heads = [f"{METRIC_TITLES[metric]}, {what}" for metric in metrics for what in ("default → tuned", "difference")]
    body = (
        (
            one.title,
            one.dataset,
            *(text for metric in metrics for text in _gain(one.gains.get(metric))),
            f"{points(one.default_score)} → {points(one.best_score)}",
            _trials(one),
            f"{one.hours:.2g}",
            _chosen(one),
        )
        for one in (findings.tuning.rows if findings.tuning else ())
    )
    return Grid.of_text(("Model", "Data", *heads, "validation", "trials", "hours", "chosen"), body)


def _trials(row: TunedRow) -> str:
    ends = {"failed": row.num_failed, "stopped": row.num_stopped}
    said = ", ".join(f"{number} {end}" for end, number in ends.items() if number)
    return f"{row.num_trials}" + (f" ({said})" if said else "")


def _gain(gain: Gain | None) -> tuple[str, str]:
    if gain is None:
        return NONE, NONE
    scores = f"{mean_sd(*gain.untuned)} → {mean_sd(*gain.tuned)}"
    return scores, with_interval(gain.test.difference, gain.test.low, gain.test.high, signed)


def _chosen(row: TunedRow) -> str:
    if row.number is None:
        return "not yet"
    source = f"as {row.searched_as}: " if row.searched_as else ""
    if row.number == 0:
        return f"{source}the settings of the file"
    return source + ", ".join(
        f"{name.partition('.')[2]} {_value(value)}{BORDER * (name in row.at_border)}"
        for name, value in row.values.items()
    )


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def tuning_note(findings: Findings) -> str:
    """Returns how settings were chosen, and what depends on it."""
    found, search = findings.tuning, findings.sweep.search
    if not found or not search:
        return ""
    chosen = sum(row.number is not None for row in found.rows)
    parts = [
        f"Settings were chosen by {_METRICS[search.metric]} on validation, {budget(search)}; {sharing(search)}. "
        f"Search seeds: {', '.join(map(str, search.seeds))}, none of which is reported; the seeds of the report are "
        "then run with the chosen settings, which the tables above show, and with those of the file (default).",
        f"{chosen} of {len(found.rows)} rows have their settings so far." if chosen < len(found.rows) else "",
        f"{BORDER} at the border of its space: {_borders(found.rows)}." if any(r.at_border for r in found.rows) else "",
        f"With the settings of the file {len(found.changes)} of {found.num_verdicts} verdicts would be others (whether "
        "a difference has a star, its direction, a claim's verdict).",
        f"Choices frozen {found.frozen}, SHA-256 {found.sha256[:12]}." if found.frozen else "",
    ]
    return " ".join(filter(None, parts))


def budget(search: Search) -> str:
    """Returns the budget of a row in words."""
    how = {
        "random": "the others drawn independently",
        "optuna": "the others proposed by Optuna's tree-structured Parzen estimator",
    }
    hours = f" or, if that is less, as many as end within {search.hours:g} hours" if search.hours else ""
    stopped = "; those that fall behind are stopped early (ASHA)" if search.stopper == "asha" else ""
    equal = "unequal budgets, as the file says" if search.unequal else "the same budget for every row"
    first = f"{search.trials} trials{hours}, the first with the settings of the file"
    return f"{equal}: {first}, {how[search.searcher]}{stopped}"


def sharing(search: Search) -> str:
    """Returns who is searched for whom."""
    if search.shared_by == "model":
        return "the base merge of each model is searched, and its other merges take what was chosen for it"
    return "every row is searched on every dataset by itself"


def spaces(findings: Findings) -> Iterator[str]:
    """Yields the space of each model in words."""
    sweep = findings.sweep
    texts = {
        model: ", ".join(f"{name} {_space(one)}" for name, one in sweep.space_of(model).items())
        for model in sweep.models
    }
    for text in dict.fromkeys(filter(None, texts.values())):
        models = [findings.sweep.models[model].label or model for model in texts if texts[model] == text]
        yield f"{listed(models, 20)}: {text}"


def _space(dimension: Dimension) -> str:
    values = [_value(value) for value in dimension.values]
    if dimension.law == "choice":
        return f"one of {', '.join(values)}"
    laws = {"log_uniform": "log-uniform", "uniform": "uniform", "int": "a whole number"}
    return f"{laws[dimension.law]} from {values[0]} to {values[1]}"


def _borders(rows: tuple[TunedRow, ...]) -> str:
    named = [f"{row.title} on {row.dataset}" for row in rows if row.at_border]
    return f"{len(named)} of {len(rows)} rows might gain from a wider one"


def changed_by_tuning(findings: Findings) -> Iterator[str]:
    """Yields a sentence for each verdict that is another with the settings of the sweep file."""
    for one in findings.tuning.changes if findings.tuning else ():
        yield f"{one.subject}: {one.shown} tuned, {one.other} by default."


def tuning_curves(findings: Findings) -> Drawing | None:
    """Draws the best validation score to expect of each row by the number of trials; None without any curve."""
    rows = [row for row in findings.tuning.rows if row.curve] if findings.tuning else []
    if not rows:
        return None
    groups: dict[tuple[str, str], list[TunedRow]] = {}
    for row in rows:
        groups.setdefault((row.key.model, row.dataset), []).append(row)
    figure, axes = panels(len(groups), 2.6, 1.9, min(4, len({model for model, _ in groups})))
    numbers: list[list[Any]] = [["row", "dataset", "trials", "median", "low_95", "high_95"]]
    for axis, ((model, dataset), inside) in zip(axes, groups.items(), strict=True):
        for row, colour in zip(inside, COLOURS, strict=False):
            numbers += _curve(axis, row, colour)
        axis.set_title(f"{findings.sweep.models[model].label or model}, {dataset}")
        axis.set_ylim(*_limits(inside))
        axis.legend(fontsize=6, loc="lower right")
    figure.supxlabel("random trials of the search", fontsize=8)
    figure.supylabel("best validation score, points", fontsize=8)
    caption = (
        "Tuning curves: the median best validation score of so many independent trials, with its exact 95 % band "
        "(Lourie et al. 2023). Dashed: the settings of the file. Where the bands of two rows meet, a search of this "
        "size cannot tell which of them is better tuned; the upper end of a band is open where the draws cannot say."
    )
    return Drawing("tuning", caption, figure, numbers)


def _limits(rows: list[TunedRow]) -> tuple[float, float]:
    """Returns the range of the medians and of the lower ends but the first, which are near 0."""
    known = [row.curve for row in rows if row.curve]
    low = min(min(*curve.median, *curve.low[2:], curve.median[0]) for curve in known)
    high = max(curve.median[-1] for curve in known)
    margin = 0.15 * max(high - low, 2.0)
    return low - margin, min(high + margin, 100.0)


def _curve(axis: "Axes", row: TunedRow, colour: str) -> list[list[Any]]:
    assert row.curve
    k = range(1, len(row.curve.median) + 1)
    axis.fill_between(k, row.curve.low, row.curve.high, color=colour, alpha=0.12, lw=0)
    axis.plot(k, row.curve.median, color=colour, lw=1.4, label=row.key.merge)
    axis.axhline(row.default_score, color=colour, lw=0.8, ls="--")
    return [
        [row.title, row.dataset, place, *values]
        for place, values in enumerate(zip(row.curve.median, row.curve.low, row.curve.high, strict=True), 1)
    ]
