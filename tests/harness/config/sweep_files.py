"""The smallest sweep file, and what a refused change of it is answered."""

from pathlib import Path

import pytest

from harness.config.load import load
from harness.core.errors import ConfigError

GOOD = """\
name: tiny
models:
  hiagm: {options: {node_width: 8}}
datasets:
  synthetic: {}
seeds: [1, 2]
encoder: {name: bag}
controls: []
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "sweep.yaml"
    path.write_text(text, "utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(write(folder, text))
    return str(caught.value).removeprefix(str(folder) + "/")
