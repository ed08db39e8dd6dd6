"""The checkout, and public data that may lie beside it; tests that want the latter skip where it is not."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "../shared"


def shared(path: str) -> Path:
    """Returns the path of a shared file, or skips the test that asks for it."""
    found = FOLDER / path
    if not found.exists():
        pytest.skip(f"needs {path}, which is not beside this checkout")
    return found
