"""What a number was made with: the versions that are installed, and the commit with a mark where files differ."""

import importlib.metadata
import re
import subprocess
from pathlib import Path

import pytest

from harness.core import environment as module
from harness.core.environment import COMMIT_VARIABLE, RECORDED, environment


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one commit, that counts as the harness's own."""
    monkeypatch.delenv(COMMIT_VARIABLE, raising=False)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / "reports").mkdir()
    for name in ("code.py", "reports/table.md"):
        (tmp_path / name).write_text("one\n", "utf-8")
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "First"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    return tmp_path


def commit() -> str:
    environment.cache_clear()
    found = environment()["commit"]
    environment.cache_clear()
    return found


def test_versions_are_those_that_are_installed() -> None:
    found = environment()
    assert {name: found[name] for name in RECORDED} == {name: importlib.metadata.version(name) for name in RECORDED}
    assert re.search(r" x \d+$", found["cpu"]) and found.keys() >= {"python", "system", "host", "commit"}


def test_a_changed_file_marks_the_commit_and_a_report_does_not(checkout: Path) -> None:
    clean = commit()
    head = subprocess.run(["git", "-C", checkout, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert clean == head.stdout[:12]
    for name, expected in (("new.py", clean), ("reports/table.md", clean), ("code.py", clean + "+")):
        (checkout / name).write_text("two\n", "utf-8")
        assert commit() == expected, name


def test_code_without_history_has_the_commit_that_the_driver_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.delenv(COMMIT_VARIABLE, raising=False)
    assert commit() == "unknown"
    monkeypatch.setenv(COMMIT_VARIABLE, "0123456789ab+")
    assert commit() == "0123456789ab+"
