"""A tracker is kept up beside a sweep: an outage costs a warning, and no two mirrors run at a time."""

import sqlite3
import sys
import threading
from pathlib import Path

import pytest

from harness.analysis.summarise import find
from harness.config.load import load
from harness.reporting.collect import collect
from harness.trackers import upkeep
from harness.trackers.upkeep import kept_up, mirror_or_warn
from harness.trials.plan import Plan
from tests.conftest import SweepWriter


def test_an_outage_costs_a_paragraph(
    write_sweep: SweepWriter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(tmp_path / "mlflow.db").execute("select 1 from x")
    plan = Plan.open(load(write_sweep()))
    mirror_or_warn(plan, find(*collect(plan, is_interim=True)), [])
    errors = capsys.readouterr().err
    assert "was not filled" in errors and "python -m harness.tracking" in errors and "Traceback" not in errors


def test_whatever_a_tracker_raises_is_one_line_and_touches_no_trial(
    write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(*_: object) -> int:
        raise ConnectionResetError("gone\n" + "x" * 1000)

    monkeypatch.setattr(upkeep.mlflow, "mirror", gone)
    plan = Plan.open(load(write_sweep()))
    mirror_or_warn(plan, find(*collect(plan, is_interim=True)), [])
    output, errors = capsys.readouterr()
    assert output == "" and errors.count("\n") == 1 and len(errors) < 700
    assert errors.startswith(f"warning: MLflow at {plan.sweep.tracking} was not filled (gone xxx")
    assert {one.state for one in plan.trials} == {"new"}


def test_a_long_sweep_is_mirrored_by_one_process_after_the_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    events: list[tuple[str, object]] = []
    enough = threading.Event()

    class Process:
        """A mirror; the first one takes two looks to end."""

        def __init__(self, command: list[str], **streams: object):
            events.append(("start", command))
            self.looks_to_end = 2 if len(events) == 1 else 1

        def poll(self) -> int | None:
            self.looks_to_end -= 1
            return None if self.looks_to_end else 0

        def wait(self) -> int:
            events.append(("end", None))
            if len(events) >= 6:
                enough.set()
            return 0

    monkeypatch.setattr(upkeep.subprocess, "Popen", Process)
    monkeypatch.setattr(upkeep, "_SECONDS_BETWEEN_MIRRORS", 0.001)
    with kept_up(tmp_path / "tiny.yaml"):
        assert enough.wait(60)
    assert [event for event, _ in events] == ["start", "end"] * (len(events) // 2), "never two at a time"
    assert events[0][1] == [sys.executable, "-m", "harness.tracking", str(tmp_path / "tiny.yaml")]
    assert not any("repeat" in thread.name for thread in threading.enumerate()), "none after the sweep"


def test_a_short_sweep_starts_no_mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(upkeep.subprocess, "Popen", lambda *_, **__: pytest.fail("a mirror"))
    with pytest.raises(KeyboardInterrupt), kept_up(tmp_path):
        raise KeyboardInterrupt
