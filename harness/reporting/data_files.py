"""CSV and JSON files of a report, in full precision."""

import dataclasses
import io
import json
import math
from collections.abc import Mapping, Sequence
from csv import writer
from typing import Any

from pydantic import BaseModel

from harness.analysis.findings import Findings
from harness.reporting.footnotes import footnotes


def csv(findings: Findings) -> str:
    """Renders one row per planned trial, with every metric in full precision."""
    stars = findings.sweep.statistics.star_metrics
    found = {metric for trial in findings.trials if trial.result for metric in trial.result.scores or {}}
    metrics = [*stars, *sorted(found - set(stars))]
    fields = ["seconds", "num_parameters", "predictions_sha256", "failure"]
    rows: list[list[Any]] = [["key", "model", "merge", "dataset", "seed", "control", "status", *fields, *metrics]]
    for trial in findings.trials:
        one = trial.result
        scores = (one.scores if one else None) or {}
        status = "not run" if one is None else "failed" if one.scores is None else "done"
        start = [one.key if one else None, trial.model, trial.merge, trial.dataset, trial.seed, trial.control, status]
        rows.append([*start, *(getattr(one, field, None) for field in fields), *map(scores.get, metrics)])
    return csv_text(rows)


def deltas_csv(findings: Findings) -> str:
    """Renders one row per comparison, dataset and metric, with every p-value; averages and controls too."""
    rows: list[list[Any]] = []
    for item in (*findings.comparisons, *findings.control_comparisons):
        test = item.test
        documents = item.documents
        crossed_low, crossed_high = documents.crossed.interval() if documents else (math.nan, math.nan)
        entry = {
            "model": item.model,
            "merge": item.merge,
            "base": item.base,
            "dataset": "average" if item.column.average else item.column.datasets[0],
            "metric": item.column.metric,
            "family": "control" if item in findings.control_comparisons else item.family,
            "status": test.status,
            "num_pairs": "/".join(map(str, test.num_pairs)),
            "dropped": " ".join(item.dropped),
            "mixed": " ".join(item.mixed),
            "published_delta": item.published,
            "published_judged": item.judged.agreement if item.judged else None,
            "published_half_width": item.judged.half_width if item.judged else None,
            "published_p": item.judged.p if item.judged else None,
            "delta": test.difference,
            "low_95": test.low,
            "high_95": test.high,
            "sd": test.sd,
            "t": test.statistic,
            "df": test.df,
            "p": test.p,
            "p_holm": item.p_holm,
            "q_bh": item.q_bh,
            "p_sign_flip": item.p_sign_flip,
            "p_exchange": item.p_exchange,
            "least_exact_p": item.least_p,
            "crossed_low_95": crossed_low,
            "crossed_high_95": crossed_high,
            "share_of_documents": documents.share if documents else None,
            "p_swap": documents.p_swap if documents else None,
            "p_better": item.better.value,
            "p_better_low_95": item.better.low,
            "p_better_high_95": item.better.high,
            "correlation": item.correlation,
            "power_at_published_delta": item.power,
            "detectable_delta": item.detectable,
            "marks": item.marks,
            "flags": " ".join(item.flags),
            "no_star_because": item.obstacle,
        }
        rows += [list(entry)] if not rows else []
        rows.append(list(entry.values()))
    return csv_text(rows)


def cells_csv(findings: Findings) -> str:
    """Renders one row per cell of the table, averages and controls too, in full precision."""
    head = ["row", "column", "mean", "sd", "num_runs", "num_failed"]
    head += ["num_collapsed", "published", "agreement", "half_width", "p_published", "bold", "marks"]
    rows: list[list[Any]] = [list(head)]
    for row in findings.rows:
        for column, cell in zip(findings.columns, row.cells, strict=True):
            numbers = [cell.mean, cell.sd, "/".join(map(str, cell.num_done)), cell.num_failed]
            judged = [cell.num_collapsed, cell.published, cell.prediction, cell.half_width, cell.p_published]
            rows.append([row.title, column.title, *numbers, *judged, cell.bold, cell.marks])
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
    data = _plain(dataclasses.replace(findings, label_differences=())) | {"footnotes": footnotes(findings)}
    return json.dumps(data, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _plain(value.model_dump())
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def csv_text(rows: Sequence[Sequence[Any]]) -> str:
    """Renders rows as CSV; numbers that do not exist are empty."""
    file = io.StringIO()
    for row in rows:
        values = ("" if isinstance(value, float) and math.isnan(value) else value for value in row)
        writer(file, lineterminator="\n").writerow(values)
    return file.getvalue()
