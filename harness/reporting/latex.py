"""LaTeX tables of a report, to be included in a paper."""

import re

from harness.analysis.findings import Findings
from harness.core.text import one_line
from harness.reporting import tables
from harness.reporting.captions import claims_note, control_note, label_groups_note, title, unfinished
from harness.reporting.contrasts import PAIRS_NOTE, comparison_table, differences_words, pair_matrices
from harness.reporting.footnotes import footnotes
from harness.reporting.footnotes_stars import comparisons_note
from harness.reporting.literature import literature_note, literature_table
from harness.reporting.notation import BELOW, BETTER, CUT, DAGGER, HOLLOW, IMPROVING, NONE, RECONSTRUCTED, WORSE
from harness.reporting.standing import linear_note, linear_table, linear_table_note, rank_note, rank_table
from harness.reporting.tables import Grid, Span, Text

_ESCAPES = {
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
    BETTER: r"$\blacktriangle$",
    WORSE: r"$\blacktriangledown$",
    NONE: "--",
    HOLLOW: r"$\star$",
    DAGGER: r"$\dagger$",
    CUT: r"$\ddagger$",
    RECONSTRUCTED: r"\S{}",
    IMPROVING: r"$\nearrow$",
    BELOW: r"$\downarrow$",
}
_SHRUNK = r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%"
"""Shrinks a table that is wider than the page to its width."""


def latex(findings: Findings) -> str:
    """Renders the main table and those of comparisons, ranks, claims, published results, controls, groups of labels.

    They need the packages booktabs, amssymb and graphicx.
    """
    banner = findings.facts.banner
    warnings = [f"\\textbf{{{_escaped(text)}}}" for text in (banner, unfinished(findings)) if text]
    sentences = [*linear_note(findings), *footnotes(findings)]
    caption = " ".join([*warnings, f"{_escaped(title(findings))}.", *map(_escaped, sentences)])
    main = tables.score_table(findings)
    lines = [
        *([f"% {one_line(banner)}"] if banner else []),
        r"% \usepackage{booktabs,amssymb,graphicx}",
        *(_table(main, caption) or [caption]),
        *_table(linear_table(findings), _escaped(linear_table_note(findings))),
        *_table(
            comparison_table(findings),
            _escaped(f"Differences {differences_words(findings)}. {comparisons_note(findings)}"),
        ),
        *(
            line
            for name, grid in pair_matrices(findings)
            for line in _table(grid, _escaped(f"All pairs, {name}. {PAIRS_NOTE}"))
        ),
        *_table(rank_table(findings), _escaped(f"Ranks. {rank_note(findings)}")),
        *_table(tables.claim_table(findings), _escaped(claims_note(findings))),
        *_table(
            literature_table(findings), _escaped(f"Published results on these corpora. {literature_note(findings)}")
        ),
        *_table(tables.score_table(findings, controls=True), _escaped(control_note(findings))),
        *_table(tables.label_group_table(findings), _escaped(label_groups_note(findings))),
    ]
    return "\n".join(lines) + "\n"


def _table(grid: Grid, caption: str) -> list[str]:
    if not grid.rows:
        return []
    lines = [r"\begin{table*}", r"\centering\scriptsize", _SHRUNK]
    lines += [f"\\begin{{tabular}}{{{'l' * len(grid.head)}}}", r"\toprule"]
    lines += [" & ".join(map(_escaped, grid.head)) + r" \\", r"\midrule"]
    for place, row in enumerate(grid.rows):
        lines += [r"\midrule"] if place in grid.breaks else []
        lines.append(" & ".join(map(_cell, row)) + r" \\")
    return [*lines, r"\bottomrule", r"\end{tabular}}", f"\\caption{{{caption}}}", r"\end{table*}"]


def _cell(text: Text) -> str:
    lines = ["".join(map(_span, line)) for line in text]
    return lines[0] if len(lines) == 1 else "\\shortstack[l]{" + r" \\ ".join(lines) + "}"


def _span(span: Span) -> str:
    text = _escaped(span.text) if span.text.strip() == span.text else f" {_escaped(span.text)}"
    text = f"\\textbf{{{text}}}" if span.bold else text
    return f"\\underline{{{text}}}" if span.underlined else text


def _escaped(text: str) -> str:
    escaped = "".join(_ESCAPES.get(symbol, symbol) for symbol in one_line(text))
    return re.sub(r"(?<![\w-])-(?=\d)", "$-$", escaped)
