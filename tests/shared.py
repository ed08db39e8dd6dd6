"""Public data that may lie beside a checkout; tests that want it skip where it is not."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "../shared"


def shared(path: str) -> Path:
    """Returns the path of a shared file, or skips the test that asks for it."""
    found = FOLDER / path
    if not found.exists():
        pytest.skip(f"needs {path}, which is not beside this checkout")
    return found
