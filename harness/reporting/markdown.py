"""Report files, rendered from a summary: Markdown, LaTeX, CSV and JSON. No statistics here.

The order of everything follows the sweep file, so equal results give equal bytes.
"""

import re
from collections.abc import Iterable, Sequence

from harness.analysis.findings import Findings
from harness.core.text import one_line
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


# Words that both kinds of markup share.


def _title(findings: Findings) -> str:
    return findings.sweep.title or findings.sweep.name


def _failures(findings: Findings) -> list[str]:
    return [
        f"{findings.row_titles[one.model, one.merge]}, {findings.dataset_titles[one.dataset]}, seed {one.seed} "
        f"({one.key}): {one.failure or 'no reason given'}"
        for one in findings.results
        if one.scores is None
    ]


def _dataset_notes(findings: Findings) -> list[str]:
    known = findings.facts.dataset_facts
    return [
        f"{label}: {note}"
        for key, label in findings.dataset_titles.items()
        if key in known
        for note in known[key].notes
    ]


# Markdown.


def _md(text: str) -> str:
    text = re.sub(r"([\\|*`])", r"\\\1", one_line(text)).replace("<", "&lt;")
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
