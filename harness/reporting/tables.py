"""Tables of a report, before any markup: scores, claims, controls, label groups, cost, corpora."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from datasets.storage.label_groups import GROUPS
from harness.analysis.findings import Column, Comparison, Findings, LabelGroup, TableCell
from harness.analysis.index import METRIC_TITLES
from harness.core.metric_names import OF_DEPTH, OF_VALUES
from harness.reporting.notation import (
    BELOW,
    CUT,
    IMPROVING,
    NONE,
    mean_sd,
    points,
    signed,
    with_interval,
)


@dataclass(frozen=True)
class Span:
    """A run of text."""

    text: str
    bold: bool = False
    underlined: bool = False


Line = tuple[Span, ...]
Text = tuple[Line, ...]
"""The lines of one cell of a grid."""


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        head: Column headings.
        rows: Cells, one per heading in each row.
        breaks: Numbers of the rows with a rule above them, where the markup has rules.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]
    breaks: tuple[int, ...] = ()

    @classmethod
    def of_text(cls, head: Sequence[str], rows: Iterable[Iterable[str]], breaks: Sequence[int] = ()) -> Self:
        """Makes a table of unemphasised cells of one line."""
        return cls(tuple(head), tuple(tuple(map(plain, row)) for row in rows), tuple(breaks))


def plain(text: str) -> Text:
    """Returns a cell with one line without emphasis."""
    return ((Span(text),),)


def score_table(findings: Findings, controls: bool = False) -> Grid:
    """Scores of the rows that are compared; or of the controls, with the unadjusted difference from their base."""
    rows = [row for row in findings.rows if row.control == controls]
    deltas = {(*item.contrast.row, item.column): item for item in findings.control_comparisons}
    body = []
    for row in rows:
        cells = zip(findings.columns, row.cells, strict=True)
        is_alone = findings.sweep.has_one_run(row.model)
        scores = (_score(cell, column, deltas.get((row.model, row.merge, column)), is_alone) for column, cell in cells)
        is_below = (row.model, row.merge) in findings.below_linear
        signs = f"{IMPROVING if row.still_improving else ''}{BELOW if is_below else ''}"
        body.append((plain(f"{row.title}{signs}"), *scores))
    head = ("Model", *(column.title for column in findings.columns))
    return Grid(head, tuple(body), breaks([row.model for row in rows]))


def breaks(keys: Sequence[object]) -> tuple[int, ...]:
    """Returns the numbers of the rows whose key differs from that of the row above."""
    return tuple(place for place in range(1, len(keys)) if keys[place] != keys[place - 1])


def _score(cell: TableCell, column: Column, delta: Comparison | None, is_alone: bool) -> Text:
    lines: list[Line] = []
    if math.isnan(cell.mean):
        all_failed = cell.num_failed and not column.average
        lines += plain(f"FAILED ({cell.num_failed}/{cell.num_planned})" if all_failed else NONE)
    else:
        spread = "" if math.isnan(cell.sd) or cell.one_seed else f" ± {points(cell.sd)}"
        mean = Span(points(cell.mean), cell.bold, cell.underlined)
        lines.append((mean, Span(f"{cell.marks}{CUT if cell.num_cut else ''}{spread}")))
    if cell.published is not None:
        lines += plain(f"[{points(cell.published)} {cell.prediction}".rstrip() + "]")
    if delta is not None and not math.isnan(delta.test.difference):
        lines += plain(f"Δ {_difference(delta)}")
    if not math.isnan(cell.mean) and not column.average and (count := _count(cell, is_alone)):
        lines += plain(count)
    return tuple(lines)


def _count(cell: TableCell, is_alone: bool) -> str:
    """Returns how many of the planned seeds are behind a mean, where not all are, or where no seed matters."""
    texts = []
    if is_alone:
        texts.append("n=1")
    elif cell.one_seed:
        texts.append("n=1, seeds alike")
    elif cell.num_done[0] < cell.num_planned:
        texts.append(f"n={cell.num_done[0]}")
    if cell.num_failed:
        texts.append(f"FAILED ({cell.num_failed}/{cell.num_planned})")
    return ", ".join(texts)


def _difference(item: Comparison) -> str:
    return with_interval(item.test.difference, *item.interval, signed)


def claim_table(findings: Findings) -> Grid:
    """Claims with the evidence for each part and the verdict."""
    rows = []
    for claim in findings.claims:
        ours = tuple(
            (Span(f"{part.title}: {part.ours}{'' if part.with_documents else ' (seeds)'}: {part.judged.verdict}"),)
            for part in claim.parts
        )
        published = tuple((Span(part.published or NONE),) for part in claim.parts)
        remark = " (rows still improving)" if claim.still_improving and claim.verdict != "not tested" else ""
        others = [
            f"{verdict} at {size:g}{remark}" for size, verdict in claim.sensitivity.items() if verdict != claim.verdict
        ]
        verdict: Text = ((Span(f"{claim.verdict}{remark}", bold=True),), *((Span(text),) for text in others))
        rows.append((plain(claim.name), plain(claim.text), published, ours, verdict))
    return Grid(("Claim", "Statement", "Published", "Ours [95 % CI]", "Verdict"), tuple(rows))


def detail_table(findings: Findings) -> Grid:
    """Other metrics and cost, one row per cell with anything to show."""
    details = [
        item
        for item in findings.details
        if item.num_parameters is not None
        or not all(math.isnan(mean) for mean, _ in (*item.metrics.values(), item.seconds))
    ]
    metrics = [name for name in _metrics(findings) if _family(name) == "other"]
    head = ("Model", "Data", *metrics, "training seconds", "time per epoch x base [95 % CI]", "parameters")
    rows = (
        (
            item.title,
            item.dataset,
            *(mean_sd(*item.metrics[metric]) for metric in metrics),
            mean_sd(*item.seconds),
            with_interval(*item.ratio),
            NONE if item.num_parameters is None else f"{item.num_parameters:,}",
        )
        for item in details
    )
    return Grid.of_text(head, rows)


Family = Literal["depth", "values", "other"]
"""Metrics of each level of the hierarchy, those that depend on no threshold, and all others."""


def metric_table(findings: Findings, family: Family) -> Grid:
    """Metrics of a family, one row per cell that has any; a metric that all cells lack is left out."""
    metrics = [name for name in _metrics(findings) if _family(name) == family]
    rows = [
        (item.title, item.dataset, *(mean_sd(*item.metrics[metric]) for metric in metrics))
        for item in findings.details
        if any(not math.isnan(item.metrics[metric][0]) for metric in metrics)
    ]
    return Grid.of_text(("Model", "Data", *(metric.replace(OF_DEPTH, " depth ") for metric in metrics)), rows)


def _metrics(findings: Findings) -> list[str]:
    return list(findings.details[0].metrics) if findings.details else []


def _family(metric: str) -> Family:
    return "depth" if OF_DEPTH in metric else "values" if metric.startswith(OF_VALUES) else "other"


def decision_table(findings: Findings) -> Grid:
    """Scores by each decision rule, one row per cell that has any."""
    rules = findings.decisions
    if rules is None:
        return Grid.of_text((), ())
    columns = list(rules.scores[0].scores) if rules.scores else []
    rows = [
        (item.title, item.dataset, *(mean_sd(*item.scores[column]) for column in columns))
        for item in rules.scores
        if any(not math.isnan(mean) for mean, _ in item.scores.values())
    ]
    return Grid.of_text(("Model", "Data", *(f"{METRIC_TITLES[metric]} {rule}" for metric, rule in columns)), rows)


def label_group_table(findings: Findings) -> Grid:
    """Scores on frequent, few-shot and zero-shot labels, one row per cell; empty where all labels are frequent."""
    groups = [group for group in GROUPS if any(item.group == group for item in findings.label_groups)]
    known = {(item.dataset, item.title, item.group): item for item in findings.label_groups}
    places = list(dict.fromkeys((item.dataset, item.title) for item in findings.label_groups))
    rows = [
        (title, dataset, *(text for group in groups for text in _group_scores(known.get((dataset, title, group)))))
        for dataset, title in places
    ]
    head = ("Model", "Data", *(f"{group} {kind}" for group in groups for kind in ("micro", "macro")))
    return Grid.of_text(head, rows, breaks([dataset for dataset, _ in places]))


def _group_scores(item: LabelGroup | None) -> tuple[str, str]:
    return (mean_sd(*item.micro), mean_sd(*item.macro)) if item else (NONE, NONE)


def dataset_table(findings: Findings) -> Grid:
    """Sizes and fingerprints of the corpora."""
    known = findings.facts.dataset_facts
    facts = [(title, known[key]) for key, title in findings.dataset_titles.items() if key in known]
    splits = list(dict.fromkeys(split for _, fact in facts for split in fact.num_documents))
    rows = (
        (
            title,
            str(fact.num_labels),
            str(fact.num_branches),
            *(f"{fact.num_documents[split]:,}" if split in fact.num_documents else NONE for split in splits),
            fact.fingerprint[:12],
        )
        for title, fact in facts
    )
    return Grid.of_text(("Data", "labels", "branches", *splits, "fingerprint"), rows)
