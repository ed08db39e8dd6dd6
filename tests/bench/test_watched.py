"""The peaks of a command's processes are told apart, and its output is weighed."""

import sys
from pathlib import Path

import pytest

from tests.bench.watched import watched

MB = 2**20
CHILD = "import time; held = bytearray({size} * 2**20); time.sleep(1)"


def test_peaks_are_those_of_the_command_its_workers_and_the_others(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    program = (
        "import subprocess, sys, pathlib, time\n"
        f"named = lambda name, size: subprocess.Popen([name, '-c', {CHILD!r}.format(size=size)], "
        "executable=sys.executable)\n"
        "below = [named('ray::MapWorker', 60), named('ray::MapWorker', 120), named('raylet', 90)]\n"
        f"pathlib.Path({str(tmp_path / 'out' / 'x')!r}).write_bytes(b'x' * 1000)\n"
        "[one.wait() for one in below]\n"
    )
    found = watched([sys.executable, "-c", program], tmp_path / "out")
    assert found.size == 1000 and found.seconds > 1
    assert found.driver < 60 * MB
    assert 120 * MB < found.worker < 180 * MB
    assert 90 * MB < found.others < 150 * MB


def test_a_command_that_fails_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="ended with 3"):
        watched([sys.executable, "-c", "import sys, time; time.sleep(0.3); sys.exit(3)"], tmp_path)
