"""What a plan promises is what the power functions say of its rows."""

import math
from pathlib import Path

import pytest

from harness.config import load
from harness.errors import ConfigError
from harness.foresight import describe, main, targets
from harness.plan import make_plan
from harness.report import summarise_plan
from harness.stats.power import detectable, seeds_needed, upper_sd
from harness.store import Store
from tests.conftest import SweepWriter
from tests.harness.test_plan import record

TABLE_1 = Path(__file__).parents[2] / "sweeps" / "table1.yaml"


def line(text: str, start: str) -> list[str]:
    return next(one for one in text.splitlines() if one.startswith(start))[len(start) :].split()


def test_table_1_before_any_trial() -> None:
    text = describe(make_plan(load(TABLE_1)), sd=0.3, hours=2.0)
    # Of Table 1: +1.48; the table of seeds for .30 at .05 and at .05 / 24 says 3 and 5 at 1.5.
    assert line(text, "HiAGM+MTL (projection), RCV1-v2 macro") == ["0.30", "0.30", "0.51", "+1.48", "1.00", "3", "5"]
    micro = line(text, "HiTIN+MTL (masking), WOS micro")
    assert micro[3:] == ["+0.44", "0.98", "6", "12"]
    assert line(text, "HiTIN+MTL (projection), WOS micro") == ["0.30", "0.30", "0.51"], "no published difference"
    average = 0.3 / math.sqrt(3)
    least = detectable(average, 10, 0.05 / 8, num_strata=3)
    assert line(text, "HiAGM+MTL (masking), Avg macro")[:3] == ["0.17", "0.16", f"{least:.2f}"]
    assert "Family B (24 tests): the least p of the exact sign flip after Holm is 0.047 with 10 seeds" in text
    assert "10 seeds reach 0.05." in text
    assert "Recommended: 5 seeds (planned: 10)" in text
    assert "18 trials a seed, 2 hours each (as given): 36 hours a seed, 360 hours for all 10" in text


def test_recommendation_grows_with_the_spread_and_is_capped() -> None:
    plan = make_plan(load(TABLE_1))
    needed = seeds_needed(0.5, 1.0 / math.sqrt(3), 0.05 / 8, num_strata=3)
    assert f"Recommended: {needed} seeds" in describe(plan, sd=1.0)
    assert "Recommended: 30 seeds" in describe(plan, sd=3.0) and "capped" in describe(plan, sd=3.0)


def test_a_pilot_gives_the_upper_limit_of_its_spread(write_sweep: SweepWriter) -> None:
    path = write_sweep(models={"flat": {}}, seeds=[1, 2, 3])
    plan = make_plan(load(path))
    store = Store(Path(plan.sweep.store))
    for planned in plan.trials:
        store.folder(planned.key).mkdir(parents=True)
        seed = planned.trial.seed
        score = 70.0 + seed + 0.3 * seed * (planned.trial.merge != "none")
        made = record(planned.key, planned.trial, seconds=1800.0)
        scores = {"micro_f1": score, "macro_f1": score}
        store.finish(made.model_copy(update={"scores": scores, "predictions_sha256": planned.key}))
    plan = make_plan(load(path))
    found = targets(summarise_plan(plan, is_interim=True), None)
    assert [one.sd for one in found] == [pytest.approx(upper_sd(0.3, 3))] * 2
    assert (
        "0.5 hours each (mean of finished trials): 1 hours a seed, 3 hours for all 3, 0 hours of it to go"
        in describe(plan)
    )


def test_without_spread_it_says_what_to_give(write_sweep: SweepWriter) -> None:
    with pytest.raises(ConfigError, match="a pilot needs 3 finished seeds.*--sd"):
        main([str(write_sweep())])


def test_without_comparisons_there_is_nothing_to_plan(
    write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(write_sweep(merges=["projection"])), "--sd", "0.3"]) == 0
    assert "No comparisons" in capsys.readouterr().out
