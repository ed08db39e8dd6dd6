"""CSV and JSON files of a report, in full precision, and the rows behind two of them."""

import dataclasses
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from csv import writer
from typing import Any

from pydantic import TypeAdapter

from harness.analysis.comparison import Comparison
from harness.analysis.design import FAMILIES, num_comparisons
from harness.analysis.findings import Findings
from harness.analysis.index import row_title
from harness.analysis.inputs import TrialPlace, TrialResult
from harness.analysis.tuned import Tuning
from harness.config.schema import SweepFile
from harness.reporting.footnotes import footnotes
from harness.reporting.trial_results import MADE_WITH
from harness.trials.settings import CellKey

Rows = Sequence[Mapping[str, Any]]
"""Rows of one table, each from the same names, in the same order, to values."""

_OF_FINISHED = (
    *("seconds", "train_seconds", "peak_memory_mb", "num_epochs", "still_improving", "num_parameters"),
    "predictions_sha256",
)


def trial_rows(sweep: SweepFile, results: Iterable[TrialResult], planned: Mapping[TrialPlace, str | None]) -> Rows:
    """Returns one row per planned trial, with every score; None stands for what is missing.

    Args:
        sweep: The sweep file.
        results: How the trials ended that have run.
        planned: Place of each trial that is to have a row, in their order, with its identity, where that is known.
    """
    known = {one.place: one for one in results}
    found = {metric for one in known.values() for metric in one.scores or {}}
    stars = sweep.statistics.star_metrics
    metrics = [*stars, *sorted(found - set(stars))]
    parts = sorted({part for one in known.values() for part in one.num_parameters_by_part})
    rows = []
    for place, key in planned.items():
        row: dict[str, Any] = {"key": key, **place._asdict(), "title": row_title(sweep, place.model, place.merge)}
        row |= {"control": sweep.models[place.model].control}
        rows.append(row | _ending(known.get(place), parts, metrics))
    return rows


def _ending(one: TrialResult | None, parts: Sequence[str], metrics: Sequence[str]) -> dict[str, Any]:
    """Returns what a row says of how its trial ended; None where it has not run."""
    done = one if one and one.scores is not None else None
    row: dict[str, Any] = {"key": one.key} if one else {}
    row |= {"state": "done" if done else "failed" if one else "new"}
    row |= {name: getattr(done, name, None) for name in _OF_FINISHED}
    row |= {f"num_parameters_{part}": done.num_parameters_by_part.get(part) if done else None for part in parts}
    row |= {name: done.environment.get(name) if done else None for name in MADE_WITH}
    row |= {name: getattr(one, name, None) for name in ("failure_kind", "failure")}
    return row | {metric: (done and done.scores or {}).get(metric) for metric in metrics}


def comparison_rows(findings: Findings) -> Rows:
    """Returns one row per comparison, dataset and metric, with every p-value; averages too.

    What is not corrected for comes last: controls against their bases, and rows against `linear`.
    """
    planned = {item.key for item in (*findings.comparisons, *findings.control_comparisons)}
    distances = [item for item in findings.distances if item.key not in planned]
    return [item.as_row() for item in (*findings.comparisons, *findings.control_comparisons, *distances)]


def csv(findings: Findings) -> str:
    """Renders one row per planned trial, with every metric in full precision."""
    return rows_csv(trial_rows(findings.sweep, findings.results, dict.fromkeys(findings.planned)))


def deltas_csv(findings: Findings) -> str:
    """Renders one row per comparison, dataset and metric, in full precision."""
    return rows_csv(comparison_rows(findings))


def cells_csv(findings: Findings) -> str:
    """Renders one row per cell of the table, averages and controls too, in full precision."""
    rows: list[list[Any]] = [
        ["row", "column", "mean", "sd", "num_runs", "num_failed", "num_collapsed", "num_improving"]
    ]
    rows[0] += ["published", "agreement", "half_width", "p_published", "bold", "marks", "row_still_improving"]
    for row in findings.rows:
        for column, cell in zip(findings.columns, row.cells, strict=True):
            numbers = [cell.mean, cell.sd, "/".join(map(str, cell.num_done)), cell.num_failed]
            numbers += [cell.num_collapsed, cell.num_improving]
            judged = [cell.published, cell.prediction, cell.half_width, cell.p_published]
            rows.append([row.title, column.title, *numbers, *judged, cell.bold, cell.marks, row.still_improving])
    return csv_text(rows)


def label_groups_csv(findings: Findings) -> str:
    """Renders one row per cell and group of labels, in full precision."""
    rows: list[list[Any]] = [["row", "dataset", "group", "num_labels", "num_labels_in_test"]]
    rows[0] += ["num_runs", "micro_mean", "micro_sd", "macro_mean", "macro_sd"]
    known = {findings.dataset_titles[key]: found.label_groups for key, found in findings.facts.dataset_facts.items()}
    for item in findings.label_groups:
        sizes = known.get(item.dataset, {}).get(item.group, (None, None))
        rows.append([item.title, item.dataset, item.group, *sizes, item.num_runs, *item.micro, *item.macro])
    return csv_text(rows)


def search_csv(tuning: Tuning) -> str:
    """Renders one row per trial of the search, with its settings and its validation score, in full precision."""
    names = sorted({name for trial in tuning.trials for name in trial.values})
    rows: list[list[Any]] = [["key", *CellKey._fields, "number", "seed", "valid_score", "stopped", "seconds", *names]]
    for one in tuning.trials:
        rows.append([one.key, *one.row, one.number, one.seed, one.score, one.stopped, one.seconds])
        rows[-1] += [one.values.get(name) for name in names]
    return csv_text(rows)


def json_text(findings: Findings) -> str:
    """Renders everything but single labels, with sorted keys and null for numbers that do not exist."""
    data = {field.name: getattr(findings, field.name) for field in dataclasses.fields(findings)} | {
        "label_differences": (),
        "comparisons": [_comparison(item) for item in findings.comparisons],
        "control_comparisons": [_comparison(item) for item in findings.control_comparisons],
        "distances": [_comparison(item) for item in findings.distances],
        "family_sizes": {FAMILIES[name]: size for name, size in num_comparisons(findings.sweep).items()},
        "footnotes": footnotes(findings),
    }
    plain = json.loads(TypeAdapter(Any).dump_json(data))
    return json.dumps(plain, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _comparison(item: Comparison) -> dict[str, Any]:
    return item.as_row() | {
        "title": item.title,
        "column": item.column,
        "seeds": item.seeds,
        "differences": item.differences,
    }


def rows_csv(rows: Rows) -> str:
    """Renders rows as CSV, with their names above."""
    return csv_text([[*row] for row in rows[:1]] + [[*row.values()] for row in rows])


def csv_text(rows: Sequence[Sequence[Any]]) -> str:
    """Renders rows as CSV; numbers that do not exist are empty."""
    file = io.StringIO()
    writer(file, lineterminator="\n").writerows(
        ["" if isinstance(value, float) and math.isnan(value) else value for value in row] for row in rows
    )
    return file.getvalue()
