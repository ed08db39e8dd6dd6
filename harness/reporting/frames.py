"""Tables of every trial and of every comparison: for a screen, a file, or a notebook.

Their rows are those of the CSV files of a report, by the same code.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from harness.analysis.design import why_no_comparisons
from harness.analysis.index import planned_places
from harness.analysis.summarise import find
from harness.core.errors import ConfigError, StoreError
from harness.core.files import whole_file
from harness.core.metric_names import HEADLINE
from harness.reporting.collect import collect
from harness.reporting.data_files import Rows, comparison_rows, rows_csv, trial_rows
from harness.reporting.notation import NONE, points, probability, signed
from harness.reporting.trial_results import MADE_WITH, place_of, results_of
from harness.trials.plan import Plan

if TYPE_CHECKING:
    from pandas import DataFrame


def rows_of_trials(plan: Plan) -> Rows:
    """Returns one row per selected trial, in the order of the report.

    They are what the records say, by which a plan goes too: predictions are not read.
    """
    keys = {place_of(one.settings): one.key or None for one in plan.selected}
    planned = {place: keys[place] for place in planned_places(plan.sweep) if place in keys}
    return trial_rows(plan.sweep, results_of(plan, plan.sweep.decision), planned)


def rows_of_comparisons(plan: Plan, file: Path) -> Rows:
    """Returns one row per comparison of the selected trials, which is a look where it tests anything.

    Args:
        plan: The plan of the sweep.
        file: The sweep file, to be named where nothing has run.

    Raises:
        ConfigError: If the sweep compares nothing.
        StoreError: If no trial has finished.
    """
    if not plan.of_state("done"):
        which = f"No trial that passes the filter {' '.join(plan.filters)!r}" if plan.filters else "No trial"
        raise StoreError(f"{which} has finished, so nothing can be compared; run `python -m harness.sweep {file}`.")
    if rows := comparison_rows(find(*collect(plan))):
        return rows
    raise ConfigError(f"{why_no_comparisons(plan.sweep)} See `compare:` in {file}.")


_TEXT = {"key", *MADE_WITH, "predictions_sha256", "failure_kind", "failure", "published_judged"}
"""Columns of text that may be empty from top to bottom."""
_TYPES = {"seed": "int64", "control": "bool", "still_improving": "boolean", "num_epochs": "Int64"}


def frame(rows: Rows) -> "DataFrame":
    """Returns rows as a pandas frame: whole numbers as such, missing ones NaN or NA, and a column's type always one."""
    from pandas import DataFrame, Series

    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return DataFrame({name: Series(values, dtype=_type_of(name, values)) for name, values in columns.items()})


def _type_of(name: str, values: list[Any]) -> str:
    if name in _TEXT or any(isinstance(value, str) for value in values):
        return "str"
    return "Int64" if name.startswith("num_parameters") else _TYPES.get(name, "float64")


def _write_csv(rows: Rows, stream: BinaryIO) -> None:
    stream.write(rows_csv(rows).encode())


def _write_parquet(rows: Rows, stream: BinaryIO) -> None:
    frame(rows).to_parquet(stream, engine="pyarrow", index=False)


_WRITERS: dict[str, Callable[[Rows, BinaryIO], None]] = {".csv": _write_csv, ".parquet": _write_parquet}


def refuse_unwritable(path: Path) -> None:
    """Raises ConfigError where a table cannot be written to a path, before any work is done."""
    if path.suffix not in _WRITERS:
        raise ConfigError(f"`--output {path}` ends in neither {' nor '.join(_WRITERS)}; give it one of these endings.")
    if not path.parent.is_dir():
        raise ConfigError(f"`--output {path}` names a folder that is not there; make it, or name another one.")


def write(rows: Rows, path: Path) -> None:
    """Writes rows to a file, whole or not at all, in the format that its ending says.

    Raises:
        StoreError: If the file cannot be written.
    """
    try:
        with whole_file(path) as stream:
            _WRITERS[path.suffix](rows, stream)
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror or error}); name another file.") from None


_SHOWN = (
    *("model", "merge", "row", "against", "dataset", "seed", "state", "metric", "num_pairs"),
    *("delta", "wider_low_95", "wider_high_95", "p", "p_holm", "marks"),
    *(*HEADLINE, "seconds", "failure_kind"),
)
"""Columns of a short table, of trials or of comparisons; one without any value is left out."""
_FORMATS: Mapping[str, Callable[[float], str]] = {
    **dict.fromkeys(("delta", "wider_low_95", "wider_high_95"), signed),
    **dict.fromkeys(("p", "p_holm"), lambda p: probability(p, 4)),
}


def shown(rows: Rows) -> str:
    """Returns a short table, a line per row: its names, states and headline numbers."""
    names = [name for name in _SHOWN if any(row.get(name) not in (None, "") for row in rows)]
    lines = [names, *([_text(name, row[name]) for name in names] for row in rows)]
    is_number = [any(isinstance(row[name], int | float) for row in rows) for name in names]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, is_number, strict=True)
        ).rstrip()
        for line in lines
    )


def _text(name: str, value: str | float | None) -> str:
    if isinstance(value, float):
        return _FORMATS.get(name, points)(value)
    return NONE if value is None else str(value)
