"""LaTeX is escaped, balanced, in ASCII, and compiles."""

import dataclasses
import re
import shutil
import subprocess

import pytest

from harness.analysis.summarise import find
from harness.config.load import load
from harness.reporting.latex import latex
from tests.harness.fake_sweep import facts, noisy, sweep, without
from tests.harness.reporting.reports import FOUND, TABLE, fixed, summary_of
from tests.journeys.test_document_level import ONE, made_up
from tests.shared import ROOT


def test_latex_is_booktabs_and_escaped():
    odd = sweep(
        title="50 % of A&B_C #1", models={"hiagm": {"label": "Hi_AGM & co [x]"}}, published=None, notes=("a_b",)
    )
    tex = latex(summary_of(odd, fixed(odd)))
    assert r"50 \% of A\&B\_C \#1." in tex
    assert r"Hi\_AGM \& co {[}x{]}" in tex
    assert r"\toprule" in tex
    assert "|" not in tex
    assert r"$\blacktriangle${*}$\star$$\star$" in tex
    assert not re.search(r"\\\\ *[\[*]", tex)
    body = re.findall(r"\\begin\{tabular\}\{(l+)\}(.*?)\\end\{tabular\}", tex, re.DOTALL)
    for columns, rows in body:
        for line in rows.splitlines():
            if line.endswith(r"\\"):
                assert len(re.findall(r"(?<!\\)&", line)) == len(columns) - 1


def test_latex_of_everything_is_ascii_and_balanced():
    table = load(ROOT / "sweeps" / "table1.yaml")
    found = noisy(table)
    found[3] = dataclasses.replace(found[3], micro_batches=2)
    sample, made = made_up({"none": 0.85, "masking": 0.93})
    for findings in (summary_of(table, found), find(ONE, made, facts(ONE), {"wos": sample})):
        tex = latex(findings)
        assert tex.isascii(), sorted(set(re.sub(r"[ -~\n]", "", tex)))
        bare = re.sub(r"\\[{}]", "", tex)
        assert bare.count("{") == bare.count("}")
        assert tex.count(r"\begin{tabular}") == tex.count(r"\end{tabular}}") == tex.count(r"\resizebox")
    assert r"$\dagger$" in tex


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(tmp_path):
    found = without(FOUND, model="hiagm", merge="masking", dataset="rcv1", seed=1)
    tex = latex(summary_of(TABLE, found, banner="100 % _synthetic_ & #1"))
    lines = [
        r"\documentclass{article}",
        r"\usepackage{booktabs,amssymb,graphicx}",
        r"\begin{document}",
        tex,
        r"\end{document}",
    ]
    (tmp_path / "table.tex").write_text("\n".join(lines), "utf-8")
    subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"], cwd=tmp_path, check=True)
