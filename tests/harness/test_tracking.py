"""The command that fills the tracker: it says how many trials it wrote, and writes none twice."""

from pathlib import Path

import pytest

from harness.config.load import load
from harness.core.errors import TrackingError
from harness.tracking import main
from harness.trials.plan import Plan
from harness.trials.store import Store
from tests.conftest import SweepWriter
from tests.harness.trackers.test_mlflow import finish


def test_it_fills_the_gaps_and_says_how_many(write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_sweep(models={"flat": {}})
    store = Store(Path(load(path).store))
    for one in Plan.open(load(path)).trials[:3]:
        finish(store, one, 60.0)
    said = []
    for filters in (["--filter", "seed=2"], [], []):
        assert main([str(path), *filters]) == 0, "an unfinished sweep is no mistake"
        said.append(capsys.readouterr().out)
    # Of the three, seeds 1, 1 and 2.
    assert said == [f"{num} trials written to {load(path).tracking}\n" for num in (1, 2, 0)]


def test_a_tracker_that_is_none_is_refused_before_the_store_is_read(write_sweep: SweepWriter, tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match="is no tracking URI"):
        main([str(write_sweep(tracking="mlruns"))])
    assert not (tmp_path / "store").exists() and not (tmp_path / "mlflow.db").exists()
