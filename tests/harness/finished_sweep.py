"""A small sweep, finished without Ray, whose models were kept."""

from typing import Any

from harness import trial
from tests.conftest import SweepWriter

SWEEP: dict[str, Any] = {"models": {"flat": {"label": "Flat"}}, "merges": ["none", "projection"], "seeds": [1, 2]}


def finished(write_sweep: SweepWriter, **changes: Any) -> str:
    """Returns the file of a finished sweep of four trials."""
    path = str(write_sweep(**SWEEP | changes))
    assert trial.main([path]) == 0
    return path
