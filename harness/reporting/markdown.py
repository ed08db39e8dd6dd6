"""Markdown report of a sweep, for people.

The order of everything follows the sweep file, so equal results give equal bytes.
"""

import re
from collections.abc import Iterable, Sequence

from harness.analysis.findings import Findings
from harness.core.text import one_line
from harness.reporting import tables
from harness.reporting.captions import claims_note, control_note, label_groups_note, title, unfinished
from harness.reporting.captions_scores import changed_verdicts, decisions_note, depth_note, values_note
from harness.reporting.contrasts import PAIRS_NOTE, comparison_table, pair_matrices
from harness.reporting.footnotes import footnotes
from harness.reporting.footnotes_stars import comparisons_note
from harness.reporting.literature import literature_note, literature_table
from harness.reporting.standing import linear_note, linear_table, linear_table_note, rank_note, rank_table
from harness.reporting.tables import Grid, Span, Text
from harness.reporting.tuning import changed_by_tuning, spaces, tuning_note, tuning_table


def markdown(findings: Findings, figures: Sequence[str] = ()) -> str:
    """Renders the whole report, with blocks of Markdown that show its figures."""
    facts, main, warning = findings.facts, tables.score_table(findings), unfinished(findings)
    differences = linear_table(findings)
    blocks = [
        f"> **{_escaped(facts.banner)}**" if facts.banner else "",
        f"# {_escaped(title(findings))}",
        f"**{_escaped(warning)}**" if warning else "",
        _table(main) if main.rows else "",
        _escaped(" ".join([*linear_note(findings), linear_table_note(findings)])),
        _table(differences) if differences.rows else "",
        _bullets(footnotes(findings)),
        *_section("Comparisons", comparison_table(findings), comparisons_note(findings)),
        *(
            part
            for title, grid in pair_matrices(findings)
            for part in _section(f"All pairs, {title}", grid, PAIRS_NOTE)
        ),
        *_section("Ranks", rank_table(findings), rank_note(findings)),
        *_section("Claims", tables.claim_table(findings), claims_note(findings)),
        *_section("Decision rules", tables.decision_table(findings), decisions_note(findings)),
        _bullets(changed_verdicts(findings)),
        *_section("Default and tuned", tuning_table(findings), tuning_note(findings)),
        _bullets([*changed_by_tuning(findings), *(f"Searched of {text}." for text in spaces(findings))]),
        *_section("Published results on these corpora", literature_table(findings), literature_note(findings)),
        *(["## Figures", *figures] if figures else []),
        *_section("Controls", tables.score_table(findings, controls=True), control_note(findings)),
        *_section("Frequent and rare labels", tables.label_group_table(findings), label_groups_note(findings)),
        *_section("F by depth", tables.metric_table(findings, "depth"), depth_note()),
        *_section("Ranking and calibration", tables.metric_table(findings, "values"), values_note()),
        *_section("Other metrics and cost", tables.detail_table(findings)),
        *_list_section("Failed trials", _failures(findings)),
        *_list_section("Deviations and notes", findings.sweep.notes),
        *_section("Data", tables.dataset_table(findings)),
        _bullets(_dataset_notes(findings)),
        *_list_section("Provenance", [f"{key}: {value}" for key, value in facts.provenance.items()]),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _section(heading: str, grid: Grid, note: str = "") -> list[str]:
    return [f"## {heading}", _escaped(note), _table(grid)] if grid.rows else []


def _list_section(heading: str, lines: Sequence[str]) -> list[str]:
    return [f"## {heading}", _bullets(lines)] if lines else []


def _failures(findings: Findings) -> list[str]:
    return [
        f"{findings.row_titles[one.model, one.merge]}, {findings.dataset_titles[one.dataset]}, seed {one.seed} "
        f"({one.key}): {': '.join(filter(None, (one.failure_kind, one.failure))) or 'no reason given'}"
        for one in findings.results
        if one.scores is None
    ]


def _dataset_notes(findings: Findings) -> list[str]:
    known = findings.facts.dataset_facts
    titles = findings.dataset_titles
    return [f"{titles[key]}: {note}" for key in titles if key in known for note in known[key].notes]


def _escaped(text: str) -> str:
    text = re.sub(r"([\\|*`])", r"\\\1", one_line(text)).replace("<", "&lt;")
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)


def _span(span: Span) -> str:
    text = _escaped(span.text) if span.text.strip() == span.text else f" {_escaped(span.text)}"
    text = f"**{text}**" if span.bold else text
    return f"<u>{text}</u>" if span.underlined else text


def _cell(text: Text) -> str:
    return "<br>".join("".join(map(_span, line)) for line in text)


def _table(grid: Grid) -> str:
    rows = [list(map(_escaped, grid.head)), ["---"] * len(grid.head), *[list(map(_cell, row)) for row in grid.rows]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {_escaped(line)}" for line in lines)
