"""Inputs of the analysis: what an interim view leaves out, and searches."""

from harness.reporting.collect import collect
from harness.trials.phases import run_phases
from tests.conftest import SweepWriter
from tests.harness.trials.searched import Runner, near, opened, searching


def test_an_interim_view_reads_no_predictions_and_counts_as_no_look(write_sweep: SweepWriter) -> None:
    path = searching(write_sweep)
    run_phases(plan := opened(path), Runner(near(0.05)))
    inputs = collect(plan, is_interim=True)
    assert (inputs.samples, inputs.search, inputs.facts.looks) == ({}, None, 0)


def test_a_sweep_without_a_search_has_none(write_sweep: SweepWriter) -> None:
    assert collect(opened(write_sweep())).search is None
