"""The tables of a report as plain grids of text, before any markup."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.design import exact_test
from harness.analysis.findings import Column, Comparison, Detail, Findings, LabelGroup, Row, TableCell
from harness.training.metrics import GROUPS

NONE = "–"
CUT = "‡"
"""Marks a mean with trials in it whose batches were cut into parts."""


@dataclass(frozen=True)
class Span:
    """A run of text."""

    text: str
    bold: bool = False
    underlined: bool = False


Line = tuple[Span, ...]
Text = tuple[Line, ...]
"""The lines of one grid cell."""


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        head: Column headings.
        rows: As many cells each.
        breaks: Numbers of the rows before which a rule stands, where the markup has rules.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]
    breaks: tuple[int, ...] = ()


def main_table(findings: Findings) -> Grid:
    """Rows that are compared, in all columns."""
    return _score_grid(findings, [row for row in findings.rows if not row.control])


def control_table(findings: Findings) -> Grid:
    """Control rows, with the unadjusted difference to their own base."""
    return _score_grid(findings, [row for row in findings.rows if row.control])


def _score_grid(findings: Findings, rows: Sequence[Row]) -> Grid:
    deltas = {(item.model, item.merge, item.column): item for item in findings.control_comparisons}
    body = tuple(
        (
            plain(row.title),
            *(
                _score(cell, column, deltas.get((row.model, row.merge, column)))
                for column, cell in zip(findings.columns, row.cells, strict=True)
            ),
        )
        for row in rows
    )
    breaks = tuple(place for place in range(1, len(rows)) if rows[place].model != rows[place - 1].model)
    return Grid(("Model", *(column.title for column in findings.columns)), body, breaks)


def _score(cell: TableCell, column: Column, delta: Comparison | None) -> Text:
    lines: list[Line] = []
    if math.isnan(cell.mean):
        all_failed = cell.num_failed and not column.average
        lines.append((Span(f"FAILED ({cell.num_failed}/{cell.num_planned})" if all_failed else NONE),))
    else:
        spread = "" if math.isnan(cell.sd) or cell.one_seed else f" ± {points(cell.sd)}"
        mean = Span(points(cell.mean), cell.bold, cell.underlined)
        lines.append((mean, Span(f"{cell.marks}{CUT if cell.num_cut else ''}{spread}")))
    if cell.published is not None:
        lines.append((Span(f"[{points(cell.published)} {cell.prediction}".rstrip() + "]"),))
    if delta is not None and not math.isnan(delta.test.difference):
        lines.append((Span(f"Δ {_interval(delta)}"),))
    if not math.isnan(cell.mean) and not column.average:
        lines.extend((Span(text),) for text in [_count(cell)] if text)
    return tuple(lines)


def _count(cell: TableCell) -> str:
    """Says how many of the planned seeds stand behind a mean, where not all do."""
    texts = []
    if cell.one_seed:
        texts.append("n=1, seeds alike")
    elif cell.num_done[0] < cell.num_planned:
        texts.append(f"n={cell.num_done[0]}")
    if cell.num_failed:
        texts.append(f"FAILED ({cell.num_failed}/{cell.num_planned})")
    return ", ".join(texts)


def comparison_table(findings: Findings) -> Grid:
    """Every comparison of both families, single datasets first."""
    rule = findings.sweep.statistics
    items = sorted(findings.comparisons, key=lambda item: item.column.average)
    head = ["Comparison", "Data, metric", "n", "Δ [95 % CI, unadjusted]", "sd of Δ", "r", "p", "p Holm"]
    head.append(f"p {exact_test(findings.sweep)}")
    if not rule.paired:
        head.remove("r")
    with_published = any(item.published is not None for item in items)
    with_documents = any(item.documents for item in items)
    if with_documents:
        head += ["crossed 95 % CI", "share of documents", "p swap"]
    if with_published:
        head[3:4] = ["Δ published", "Δ ours [95 % CI, unadjusted]"]
        head.append("power at published Δ")
    rows = []
    for item in items:
        p_holm = probability(item.p_holm, 3) + item.marks.lstrip("▲▼")
        row = [item.title, item.column.title, _pairs(item.test.num_pairs)]
        row += [_published_difference(item)] if with_published else []
        row += [_interval(item), points(item.test.sd), *([points(item.correlation)] if rule.paired else [])]
        row += [probability(item.test.p, 4), p_holm, probability(item.p_exact, 4)]
        row += _documents(item) if with_documents else []
        row += [points(item.power)] if with_published else []
        rows.append(tuple(map(plain, [*row, " ".join(item.flags)])))
    split = next((place for place, item in enumerate(items) if item.column.average), 0)
    return Grid((*head, "flags"), tuple(rows), (split,) if split else ())


def _published_difference(item: Comparison) -> str:
    label = item.judged.agreement if item.judged else ""
    return f"{signed(item.published)} {label}".rstrip()


def _documents(item: Comparison) -> list[str]:
    if item.documents is None:
        return [NONE, NONE, "n/a"]
    low, high = item.documents.crossed.interval()
    return [f"[{signed(low)}, {signed(high)}]", points(item.documents.share), probability(item.documents.p_swap, 4)]


def claim_table(findings: Findings) -> Grid:
    """One row per claim, with all its parts."""
    rows = []
    for claim in findings.claims:
        ours = tuple(
            (Span(f"{part.title}: {part.ours}{'' if part.with_documents else ' (seeds)'}: {part.judged.verdict}"),)
            for part in claim.parts
        )
        published = tuple((Span(part.published or NONE),) for part in claim.parts)
        others = [f"{verdict} at {size:g}" for size, verdict in claim.sensitivity.items() if verdict != claim.verdict]
        verdict: Text = ((Span(claim.verdict, bold=True),), *((Span(text),) for text in others))
        rows.append((plain(claim.name), plain(claim.text), published, ours, verdict))
    return Grid(("Claim", "Statement", "Published", "Ours [95 % CI]", "Verdict"), tuple(rows))


def _pairs(num_pairs: tuple[int, ...]) -> str:
    return str(num_pairs[0]) if len(set(num_pairs)) == 1 else "/".join(map(str, num_pairs))


def _interval(item: Comparison) -> str:
    test = item.test
    ends = "" if math.isnan(test.low) else f" [{signed(test.low)}, {signed(test.high)}]"
    return signed(test.difference) + ends


def detail_table(findings: Findings) -> Grid:
    """Other metrics and cost, one row per cell that has anything to show."""
    details = [item for item in findings.details if _measured(item)]
    metrics = list(details[0].metrics) if details else []
    head = ("Model", "Data", *metrics, "seconds per trial", "time per epoch x base [95 % CI]", "parameters")
    rows = tuple(
        tuple(
            map(
                plain,
                (
                    item.title,
                    item.dataset,
                    *(_mean_sd(*item.metrics[metric]) for metric in metrics),
                    _mean_sd(*item.seconds),
                    _ratio(*item.ratio),
                    NONE if item.num_parameters is None else f"{item.num_parameters:,}",
                ),
            )
        )
        for item in details
    )
    return Grid(head, rows)


def label_group_table(findings: Findings) -> Grid:
    """Scores on frequent, few-shot and zero-shot labels, one row per cell; empty where all labels are frequent."""
    groups = [group for group in GROUPS if any(item.group == group for item in findings.label_groups)]
    known = {(item.dataset, item.title, item.group): item for item in findings.label_groups}
    places = list(dict.fromkeys((item.dataset, item.title) for item in findings.label_groups))
    rows = []
    for dataset, label in places:
        found = [known.get((dataset, label, group)) for group in groups]
        scores = [text for item in found for text in _group_scores(item)]
        rows.append(tuple(map(plain, (label, dataset, *scores))))
    head = ("Model", "Data", *(f"{group} {kind}" for group in groups for kind in ("micro", "macro")))
    breaks = tuple(place for place in range(1, len(rows)) if places[place][0] != places[place - 1][0])
    return Grid(head, tuple(rows), breaks)


def _group_scores(item: LabelGroup | None) -> tuple[str, str]:
    return (_mean_sd(*item.micro), _mean_sd(*item.macro)) if item else (NONE, NONE)


def _measured(item: Detail) -> bool:
    values = [mean for mean, _ in item.metrics.values()]
    return item.num_parameters is not None or not all(map(math.isnan, [*values, item.seconds[0]]))


def dataset_table(findings: Findings) -> Grid:
    """What the corpora are."""
    known = findings.facts.dataset_facts
    facts = {key: known[key] for key in findings.dataset_titles if key in known}
    splits = list(dict.fromkeys(split for fact in facts.values() for split in fact.num_documents))
    rows = tuple(
        tuple(
            map(
                plain,
                (
                    findings.dataset_titles[key],
                    str(fact.num_labels),
                    str(fact.num_branches),
                    *(f"{fact.num_documents[split]:,}" if split in fact.num_documents else NONE for split in splits),
                    fact.fingerprint[:12],
                ),
            )
        )
        for key, fact in facts.items()
    )
    return Grid(("Data", "labels", "branches", *splits, "fingerprint"), rows)


def plain(text: str) -> Text:
    """One line without emphasis."""
    return ((Span(text),),)


def points(value: float) -> str:
    """Two decimals, or a dash."""
    return NONE if math.isnan(value) else f"{value:z.2f}"


def signed(value: float | None) -> str:
    """Two decimals with a sign, or a dash."""
    return NONE if value is None or math.isnan(value) else f"{value:+z.2f}"


def probability(value: float, digits: int) -> str:
    """A p-value; never 0."""
    if math.isnan(value):
        return "n/a"
    least = 10.0**-digits
    return f"<{least:.{digits}f}" if value < least else f"{value:.{digits}f}"


def _mean_sd(mean: float, sd: float) -> str:
    return points(mean) if math.isnan(sd) else f"{points(mean)} ± {points(sd)}"


def _ratio(ratio: float, low: float, high: float) -> str:
    return points(ratio) if math.isnan(low) else f"{points(ratio)} [{points(low)}, {points(high)}]"
