"""Report files, rendered from a summary: Markdown, LaTeX, CSV and JSON. No statistics here.

The order of everything follows the sweep file, so equal results give equal bytes.
"""

import dataclasses
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from csv import writer
from typing import Any

from pydantic import BaseModel

from harness.analysis.findings import Findings
from harness.reporting import tables
from harness.reporting.captions import claims_note, control_note, label_groups_note, unfinished
from harness.reporting.footnotes import footnotes
from harness.reporting.tables import Grid, Span, Text


def markdown(findings: Findings, figures: Sequence[str] = ()) -> str:
    """Renders the whole report for people.

    Args:
        findings: What was found.
        figures: Blocks of Markdown that show the figures.
    """
    facts = findings.facts
    blocks = [f"> **{_md(facts.banner)}**"] if facts.banner else []
    blocks.append(f"# {_md(_title(findings))}")
    blocks += [f"**{_md(text)}**" for text in [unfinished(findings)] if text]
    main = tables.main_table(findings)
    blocks += [_md_grid(main)] if main.rows else []
    blocks.append(_md_bullets(footnotes(findings)))
    if findings.comparisons:
        blocks += ["## Comparisons", _md_grid(tables.comparison_table(findings))]
    if findings.claims:
        blocks += ["## Claims", _md(claims_note(findings)), _md_grid(tables.claim_table(findings))]
    blocks += ["## Figures", *figures] if figures else []
    controls = tables.control_table(findings)
    if controls.rows:
        blocks += ["## Controls", _md(control_note(findings)), _md_grid(controls)]
    groups = tables.label_group_table(findings)
    if groups.rows:
        blocks += ["## Frequent and rare labels", _md(label_groups_note(findings)), _md_grid(groups)]
    details = tables.detail_table(findings)
    if details.rows:
        blocks += ["## Other metrics and cost", _md_grid(details)]
    failures = _failures(findings)
    if failures:
        blocks += ["## Failed trials", _md_bullets(failures)]
    if findings.sweep.notes:
        blocks += ["## Deviations and notes", _md_bullets(findings.sweep.notes)]
    datasets = tables.dataset_table(findings)
    if datasets.rows:
        blocks += [
            "## Data",
            _md_grid(datasets),
            *[_md_bullets(notes) for notes in [_dataset_notes(findings)] if notes],
        ]
    if facts.provenance:
        blocks += ["## Provenance", _md_bullets(f"{key}: {value}" for key, value in facts.provenance.items())]
    return "\n\n".join(blocks) + "\n"


def latex(findings: Findings) -> str:
    """Renders the main table, comparisons, claims, controls and groups of labels, to be included in a paper.

    Needs the packages booktabs, amssymb and graphicx.
    """
    banner = findings.facts.banner
    lines = [f"% {_one_line(banner)}"] if banner else []
    lines.append(r"% \usepackage{booktabs,amssymb,graphicx}")
    warnings = [f"\\textbf{{{_tex(text)}}}" for text in (banner, unfinished(findings)) if text]
    caption = " ".join([*warnings, f"{_tex(_title(findings))}.", *map(_tex, footnotes(findings))])
    main = tables.main_table(findings)
    lines += _tex_table(main, caption) if main.rows else [caption]
    if findings.comparisons:
        lines += _tex_table(tables.comparison_table(findings), "Comparisons with the base merge.")
    if findings.claims:
        lines += _tex_table(tables.claim_table(findings), _tex(claims_note(findings)))
    controls = tables.control_table(findings)
    if controls.rows:
        lines += _tex_table(controls, _tex(control_note(findings)))
    groups = tables.label_group_table(findings)
    if groups.rows:
        lines += _tex_table(groups, _tex(label_groups_note(findings)))
    return "\n".join(lines) + "\n"


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
        documents, effect = item.documents, item.effect
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
            "published_judged": item.judged.label if item.judged else None,
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
            "variance_ratio_bootstrap_delta": documents.ratio if documents else None,
            "p_swap": documents.p_swap if documents else None,
            "d_z": effect.d_z if effect else None,
            "g_z": effect.g_z if effect else None,
            "wins": effect.wins if effect else None,
            "p_better": effect.p_better if effect else None,
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
    head = ["row", "column", "mean", "sd", "lower_quartile", "median", "upper_quartile", "num_runs", "num_failed"]
    head += ["num_collapsed", "published", "agreement", "half_width", "p_published", "bold", "marks"]
    rows: list[list[Any]] = [list(head)]
    for row in findings.rows:
        for column, cell in zip(findings.columns, row.cells, strict=True):
            numbers = [cell.mean, cell.sd, *cell.quartiles, "/".join(map(str, cell.num_done)), cell.num_failed]
            judged = [cell.num_collapsed, cell.published, cell.prediction, cell.half_width, cell.p_published]
            rows.append([row.label, column.label, *numbers, *judged, cell.bold, cell.marks])
    return csv_text(rows)


def label_groups_csv(findings: Findings) -> str:
    """Renders one row per cell and group of labels, in full precision."""
    rows: list[list[Any]] = [["row", "dataset", "group", "num_labels", "num_labels_in_test"]]
    rows[0] += ["num_runs", "micro_mean", "micro_sd", "macro_mean", "macro_sd"]
    known = {findings.dataset_labels[key]: found.label_groups for key, found in findings.facts.dataset_facts.items()}
    for item in findings.label_groups:
        sizes = known.get(item.dataset, {}).get(item.group, (None, None))
        rows.append([item.label, item.dataset, item.group, *sizes, item.num_runs, *item.micro, *item.macro])
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


# Words that both kinds of markup share.


def _title(findings: Findings) -> str:
    return findings.sweep.title or findings.sweep.name


def _failures(findings: Findings) -> list[str]:
    return [
        f"{trial.label}, {findings.dataset_labels[trial.dataset]}, seed {trial.seed} ({trial.result.key}): "
        f"{trial.result.failure or 'no reason given'}"
        for trial in findings.trials
        if trial.result and trial.result.scores is None
    ]


def _dataset_notes(findings: Findings) -> list[str]:
    known = findings.facts.dataset_facts
    return [
        f"{label}: {note}"
        for key, label in findings.dataset_labels.items()
        if key in known
        for note in known[key].notes
    ]


def _one_line(text: str) -> str:
    return " ".join(text.split())


# Markdown.


def _md(text: str) -> str:
    text = re.sub(r"([\\|*`])", r"\\\1", _one_line(text)).replace("<", "&lt;")
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)


def _md_span(span: Span) -> str:
    text = _md(span.text) if span.text.strip() == span.text else f" {_md(span.text)}"
    text = f"**{text}**" if span.bold else text
    return f"<u>{text}</u>" if span.underlined else text


def _md_text(text: Text) -> str:
    return "<br>".join("".join(map(_md_span, line)) for line in text)


def _md_grid(grid: Grid) -> str:
    rows = [list(map(_md, grid.head)), ["---"] * len(grid.head), *[list(map(_md_text, row)) for row in grid.rows]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _md_bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {_md(line)}" for line in lines)


# LaTeX.

_TEX = {
    "\\": r"\textbackslash{}",
    **{symbol: f"\\{symbol}" for symbol in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{symbol: f"{{{symbol}}}" for symbol in "[]*"},  # Bare, these are arguments of a line break.
    "<": "$<$",
    ">": "$>$",
    "≈": r"$\approx$",
    "≥": r"$\geq$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "Δ": r"$\Delta$",
    "▲": r"$\blacktriangle$",
    "▼": r"$\blacktriangledown$",
    "–": "--",
    "†": r"$\dagger$",
    "‡": r"$\ddagger$",
    "§": r"\S{}",
}


def _tex(text: str) -> str:
    escaped = "".join(_TEX.get(symbol, symbol) for symbol in _one_line(text))
    return re.sub(r"(?<![\w-])-(?=\d)", "$-$", escaped)


def _tex_span(span: Span) -> str:
    text = _tex(span.text) if span.text.strip() == span.text else f" {_tex(span.text)}"
    text = f"\\textbf{{{text}}}" if span.bold else text
    return f"\\underline{{{text}}}" if span.underlined else text


def _tex_text(text: Text) -> str:
    lines = ["".join(map(_tex_span, line)) for line in text]
    return lines[0] if len(lines) == 1 else "\\shortstack[l]{" + r" \\ ".join(lines) + "}"


_SHRUNK = r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%"
"""A table wider than the page is made as wide as that; others stay as they are."""


def _tex_table(grid: Grid, caption: str) -> list[str]:
    lines = [r"\begin{table*}", r"\centering\scriptsize", _SHRUNK]
    lines += [f"\\begin{{tabular}}{{{'l' * len(grid.head)}}}", r"\toprule"]
    lines += [" & ".join(map(_tex, grid.head)) + r" \\", r"\midrule"]
    for place, row in enumerate(grid.rows):
        lines += [r"\midrule"] if place in grid.breaks else []
        lines.append(" & ".join(map(_tex_text, row)) + r" \\")
    return [*lines, r"\bottomrule", r"\end{tabular}}", f"\\caption{{{caption}}}", r"\end{table*}"]
