"""What a dry run says before anything is run."""

from pathlib import Path

from harness.config.load import load
from harness.reporting.status import describe
from harness.status import main
from harness.trials.plan import Plan
from harness.trials.store import Store
from tests.conftest import SweepWriter
from tests.harness.finished_sweep import SWEEP, finished
from tests.harness.trials.test_plan import finish
from tests.shared import ROOT


def test_every_cell_says_why_it_runs(write_sweep: SweepWriter) -> None:
    path = write_sweep(models={"flat": {}})
    plan = Plan.open(load(path))
    store = Store(Path(plan.sweep.store))
    for planned in plan.trials[::2]:  # Both seeds under merge none.
        finish(store, planned.key, planned.settings, seconds=20.0)
    lines = describe(Plan.open(load(path))).splitlines()
    assert lines[1].split() == ["flat", "none", "synthetic", "2", "0", "0", "all", "finished"]
    assert lines[2].split() == ["flat", "projection", "synthetic", "0", "0", "2", "never", "run"]
    assert "4 trials: 2 done, 0 failed, 2 new." in lines
    changed = write_sweep(models={"flat": {}}, trainer={"epochs": 9, "batch_size": 32, "head_lr": 0.03})
    words = describe(Plan.open(load(changed))).splitlines()[1]
    assert "changed since it was run: trainer.epochs: 2 -> 9, trainer.head_lr: 0.01 -> 0.03" in words


def test_what_the_planned_seeds_can_show(write_sweep: SweepWriter) -> None:
    few = describe(Plan.open(load(write_sweep())))
    # Two models x one merge x two metrics on one dataset; two seeds: 2 / 2^2 = .5, times 4.
    assert "Family B (4 comparisons of single datasets)" in few and "over 2 seeds reaches p = 1 after Holm" in few
    assert "Stars (paired t): none possible" in few
    many = describe(Plan.open(load(write_sweep(seeds=list(range(10))))))
    assert "over 10 seeds reaches p = 0.00781" in many and "possible with 10 seeds" in many


def test_seeds_are_not_counted_where_none_changes_a_row(write_sweep: SweepWriter) -> None:
    text = describe(Plan.open(load(write_sweep(models={"linear": {}, "nearest": {}}))))
    assert "No seed changes any row that is compared: the test documents alone decide" in text
    assert "Stars" not in text and "seeds reach" not in text


def test_an_average_flips_every_dataset_s_seeds() -> None:
    text = describe(Plan.open(load(ROOT / "sweeps" / "table1.yaml")))
    # 8 x 2 / 2^30 with ten seeds on three corpora; 9 differences, so 3 seeds, reach .05.
    assert "averages over datasets): the exact sign flip over 10 seeds reaches p = 1.49e-08 after Holm" in text
    assert "3 seeds reach 0.05" in text and "reaches p = 0.0469 after Holm at best; 10 seeds reach 0.05" in text


def test_a_missing_corpus_is_named_and_nothing_stops(write_sweep: SweepWriter, tmp_path: Path, capsys: object) -> None:
    assert main([str(write_sweep(data_dir=str(tmp_path / "none")))]) == 0
    assert "There is no prepared corpus at" in capsys.readouterr().out  # type: ignore[attr-defined]


def test_kept_models_are_counted_with_their_size(write_sweep: SweepWriter) -> None:
    path = Path(finished(write_sweep))
    said = describe(Plan.open(load(path)))
    size = sum(one.stat().st_size for one in Path(load(path).store).rglob("model/**/*") if one.is_file())
    assert f"(of each row on each dataset that of the best seed): 2 so far, {size / 2**20:.1f} MB." in said
    assert "Models kept" not in describe(Plan.open(load(write_sweep(**SWEEP, keep="none"))))
