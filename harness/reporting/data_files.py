"""CSV and JSON files of a report, in full precision."""

import dataclasses
import io
import json
import math
from collections.abc import Sequence
from csv import writer
from typing import Any

from pydantic import TypeAdapter

from harness.analysis.comparison import Comparison
from harness.analysis.design import FAMILIES, num_comparisons
from harness.analysis.findings import Findings
from harness.reporting.footnotes import footnotes


def csv(findings: Findings) -> str:
    """Renders one row per planned trial, with every metric in full precision."""
    stars = findings.sweep.statistics.star_metrics
    found = {metric for one in findings.results for metric in one.scores or {}}
    metrics = [*stars, *sorted(found - set(stars))]
    fields = ["seconds", "num_parameters", "still_improving", "predictions_sha256", "failure"]
    rows: list[list[Any]] = [["key", "model", "merge", "dataset", "seed", "control", "status", *fields, *metrics]]
    results = {one.place: one for one in findings.results}
    for place in findings.planned:
        one = results.get(place)
        scores = (one.scores if one else None) or {}
        status = "not run" if one is None else "failed" if one.scores is None else "done"
        start = [one.key if one else None, *place, findings.sweep.models[place.model].control, status]
        rows.append([*start, *(getattr(one, field, None) for field in fields), *map(scores.get, metrics)])
    return csv_text(rows)


def deltas_csv(findings: Findings) -> str:
    """Renders one row per comparison, dataset and metric, with every p-value; averages too.

    What is not corrected for comes last: controls against their bases, and rows against `linear`.
    """
    planned = {item.key for item in (*findings.comparisons, *findings.control_comparisons)}
    distances = [item for item in findings.distances if item.key not in planned]
    rows = [item.as_row() for item in (*findings.comparisons, *findings.control_comparisons, *distances)]
    return csv_text([[*row] for row in rows[:1]] + [[*row.values()] for row in rows])


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


def csv_text(rows: Sequence[Sequence[Any]]) -> str:
    """Renders rows as CSV; numbers that do not exist are empty."""
    file = io.StringIO()
    writer(file, lineterminator="\n").writerows(
        ["" if isinstance(value, float) and math.isnan(value) else value for value in row] for row in rows
    )
    return file.getvalue()
