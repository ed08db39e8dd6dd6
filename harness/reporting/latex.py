"""LaTeX of a report: tables to be included in a paper."""

import re

from harness.analysis.findings import Findings
from harness.core.text import one_line
from harness.reporting import tables
from harness.reporting.captions import claims_note, control_note, label_groups_note, unfinished
from harness.reporting.footnotes import footnotes
from harness.reporting.markdown import _title
from harness.reporting.tables import Grid, Span, Text


def latex(findings: Findings) -> str:
    """Renders the main table, comparisons, claims, controls and groups of labels, to be included in a paper.

    Needs the packages booktabs, amssymb and graphicx.
    """
    banner = findings.facts.banner
    lines = [f"% {one_line(banner)}"] if banner else []
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
    escaped = "".join(_TEX.get(symbol, symbol) for symbol in one_line(text))
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
