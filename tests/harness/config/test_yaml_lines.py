"""A file that is no sweep is refused as such, and every problem of one is named with its line."""

from pathlib import Path

import pytest

from harness.config.load import load
from harness.core.errors import ConfigError
from tests.harness.config.sweep_files import GOOD, refusal


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, GOOD.replace("seeds: [1, 2]", "seeds: []").replace("datasets:", "datset:"))
    assert "sweep.yaml:4:" in message and "sweep.yaml:6:" in message


def test_files_that_are_no_sweep(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such sweep file"):
        load(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(ConfigError, match=r"not UTF-8 text \(byte 9\)"):
        load(tmp_path / "latin.yaml")
    assert refusal(tmp_path, "name: a\nmodels: b: c\n").startswith("sweep.yaml:2: this is no YAML: mapping values")
    with pytest.raises(ConfigError, match="cannot be read: .*Is a directory"):
        load(tmp_path)
    assert "a key must be text" in refusal(tmp_path, GOOD.replace("hiagm:", "1:"))
    assert "a key must be text" in refusal(tmp_path, GOOD + "? [1, 2]\n: x\n")
    assert "no YAML" in refusal(tmp_path, GOOD.replace("tiny", "!foo x"))
    assert "cannot be read" in refusal(tmp_path, GOOD.replace("tiny", "2024-13-45"))
    assert "cannot be read" in refusal(tmp_path, "a: &a [*a]\n")
    assert "is a mapping" in refusal(tmp_path, "- a list\n")
