"""Footnotes name the trials that are unusual, and count them."""

import dataclasses

from harness.analysis.summarise import find
from harness.reporting.latex import latex
from harness.reporting.markdown import markdown
from tests.harness.fake_sweep import facts
from tests.harness.reporting.reports import FOUND, TABLE, grid, summary_of
from tests.journeys.test_document_level import ONE, made_up


def test_oddities_are_told():
    found = FOUND[:]
    found[0] = dataclasses.replace(found[0], scores={"micro_f1": 2.0, "macro_f1": float("nan")})
    found = [dataclasses.replace(one, predictions_sha256="x") if one.merge == "masking" else one for one in found]
    text = markdown(summary_of(TABLE, found))
    assert (
        "Collapsed runs, which stay in every number (score below median - 10 x max(MAD, 0.2), or the same labels for "
        "every document): HiAGM on WOS micro 1/10." in text
    )
    assert "NaN or infinite scores, which count as missing: 1." in text
    assert "The seed had no effect (equal predictions or scores), so all seeds count as one: HiAGM+MTL (mask" in text
    assert {row[3].endswith("<br>n=1, seeds alike") for row in grid(text) if row[0].endswith("(masking)")} == {True}
    assert "No star in 16 of 32 comparisons: the seed had no effect" in text


def test_cells_with_batches_in_parts_are_marked():
    text = markdown(summary_of(TABLE, FOUND))
    assert "‡" not in text
    found = [
        dataclasses.replace(one, micro_batches=4)
        if (one.model, one.merge, one.dataset) == ("hitin", "masking", "nyt") and one.seed in (2, 7)
        else one
        for one in FOUND
    ]
    findings = summary_of(TABLE, found)
    text = markdown(findings)
    marked = {(row[0], column) for row in grid(text) for column, cell in enumerate(row) if "‡" in cell}
    # On its dataset, and in the averages that it is in.
    assert marked == {("HiTIN+MTL (masking)", column) for column in (5, 6, 7, 8)}
    assert (
        "‡ out of memory, so trained on batches cut into parts whose gradients are added up; batch statistics and "
        "dropout are those of the parts. Trials, with the parts of a batch: HiTIN+MTL (masking) on NYT seed 2 (4), "
        "HiTIN+MTL (masking) on NYT seed 7 (4)." in text
    )
    assert r"$\ddagger$" in latex(findings) and "‡" not in latex(findings)


def test_a_label_without_gold_is_counted():
    sample, made = made_up({"none": 0.85, "masking": 0.93})
    sample.support_L[[0, 3]] = 0
    text = markdown(find(ONE, made, facts(ONE), {"wos": sample}))
    assert "Labels that no test document has, and that stay in the denominator of macro F: wos 2." in text
