"""The Markdown report has its sections in order, and leaves out those with nothing to say."""

import dataclasses

from harness.reporting.latex import latex
from harness.reporting.markdown import markdown
from tests.harness.fake_sweep import TABLE_1, sweep
from tests.harness.reporting.reports import FOUND, TABLE, every_format, fixed, grid, summary_of


def test_a_sweep_of_controls_only():
    only = sweep(models={"flat": {"control": True}}, published=None)
    text, tex, *_ = every_format(summary_of(only, fixed(only)))
    assert text.count("| Model |") == 2
    assert "▲" not in text
    assert tex.count(r"\begin{tabular}") == 1


def test_banner_stands_on_top_of_markdown_and_latex():
    findings = summary_of(TABLE, FOUND, banner="Shows the harness, not a result")
    assert markdown(findings).startswith("> **Shows the harness, not a result**\n")
    tex = latex(findings)
    assert tex.startswith("% Shows the harness, not a result\n")
    assert r"\caption{\textbf{Shows the harness, not a result}" in tex


def test_metrics_cost_data_notes_and_provenance():
    found = [dataclasses.replace(one, scores={**one.scores, "hier_f1": 50.0 + one.seed}) for one in FOUND]
    text = markdown(summary_of(sweep(notes=("The paper says 4 branches.",)), found))
    details = grid(text, "Other metrics and cost")
    assert details[0][2:] == ["hier_f1", "training seconds", "time per epoch x base [95 % CI]", "parameters"]
    assert details[2] == ["HiAGM", "WOS", "55.50 ± 3.03", "100.00 ± 0.00", "–", "1,000"]
    assert grid(text, "Data")[2] == ["WOS", "141", "7", "30,070", "7,518", "9,397", "0123456789ab"]
    assert "## Deviations and notes\n\n- The paper says 4 branches.\n" in text
    assert text.endswith("## Provenance\n\n- commit: abc1234\n- torch: 2.13.0\n")


def test_everything_failed_and_nothing_run():
    failed = [dataclasses.replace(one, scores=None, failure="boom") for one in FOUND]
    text, *_ = every_format(summary_of(TABLE, failed))
    scores = [f"FAILED (10/10)<br>[{score}]" for score in TABLE_1["hiagm/none"]]
    assert grid(text)[2][1:] == [*scores, "–<br>[84.66]", "–<br>[73.18]"]
    assert text.count("boom") == 180
    text, _, runs, *_ = every_format(summary_of(TABLE, [], dataset_facts={}, provenance={}))
    assert "Unfinished: 0 of 180" in text
    assert runs.count(",new,") == 180
