"""The tutorial on one's own data: its commands as they stand there, and what they print."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared import ROOT

PAGE = (ROOT / "docs" / "own-data.md").read_text("utf-8")
PYTHON = ".venv/bin/python"


def commands(text: str) -> list[str]:
    """Returns the commands of a part of the page: indented lines, and blocks of a shell."""
    found = re.findall(r"^    (\.venv/bin/python [^\n]*)$|^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [line or block for line, block in found]


def run(command: str, folder: Path) -> str:
    """Runs a command of the page, and returns all that it prints, errors of a user's mistake among it."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    typed = command.replace(PYTHON, sys.executable)
    done = subprocess.run(["bash", "-c", typed], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode in (0, 2), done.stderr
    return done.stdout + (done.stderr if done.returncode else "")


def test_the_way_to_the_first_plan_prints_what_the_page_shows(tmp_path: Path) -> None:
    before, _, _ = PAGE.partition("## 5.")
    typed = commands(before)
    assert len(typed) >= 5
    shown = set(PAGE.splitlines())
    for command in typed:
        if "--card" in command:
            continue
        for line in run(command, tmp_path).splitlines():
            assert line.rstrip() in shown, f"{command}: {line}"
    assert (tmp_path / "mine" / "sweep.yaml").read_text("utf-8") in PAGE, "the whole file is shown"


@pytest.mark.slow
def test_the_whole_page_leads_to_a_report_and_to_labels_of_a_new_text(tmp_path: Path) -> None:
    said = {command: run(command, tmp_path) for command in commands(PAGE) if "harness.plan" not in command}
    sweep = next(text for command, text in said.items() if command.endswith("harness.sweep mine/sweep.yaml"))
    assert "37 of 37 trials done, 0 failed, 0 missing" in sweep
    report = (tmp_path / "mine" / "reports" / "mine.md").read_text("utf-8")
    assert "Against Linear SVM" in report
    predicted = [text for command, text in said.items() if "harness.predict" in command]
    assert predicted and all(text.strip() for text in predicted)
