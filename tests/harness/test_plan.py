"""The command that plans a sweep: what it prints is what the arguments ask for, and nothing is run."""

from pathlib import Path

import pytest

from harness.config.load import load
from harness.plan import main
from harness.reporting.power import describe
from harness.trials.plan import Plan
from tests.conftest import SweepWriter


def test_it_prints_what_can_be_shown_with_a_spread_and_what_it_costs(
    write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep(seeds=[1, 2, 3, 4])
    assert main([str(path), "--sd", "0.3", "--hours", "2"]) == 0
    output = capsys.readouterr().out
    assert output == describe(Plan.open(load(path)), 0.3, 2.0) + "\n"
    assert "4 trials per seed, 2 hours each (as given): 8 hours per seed, 32 hours for all 4" in output
    assert main([str(path), "--sd", "0.6"]) == 0
    assert capsys.readouterr().out == describe(Plan.open(load(path)), 0.6, None) + "\n"
    assert not Path(load(path).store).exists(), "to plan is to write nothing"


@pytest.mark.parametrize(
    "flags",
    [
        ["--sd", "0"],
        ["--sd", "-1"],
        ["--hours", "nan"],
        ["--sd", "inf"],
        ["--hours", "inf"],
        ["--sd", "0.3", "--filter", "a=b"],
    ],
)
def test_impossible_arguments_end_with_code_2(
    write_sweep: SweepWriter, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([str(write_sweep()), *flags])
    assert caught.value.code == 2
    assert ("unrecognized arguments" if "--filter" in flags else "must be above 0") in capsys.readouterr().err
