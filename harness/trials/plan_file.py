"""Plan file of a sweep, `store/NAME.plan.json`: what was promised before the first trial, and what its search chose."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.config.schema import SweepFile
from harness.core.errors import StoreError
from harness.core.files import write_atomically
from harness.core.text import one_line

CHOSEN = "chosen"
"""Part of the file that a search writes; the rest is written before it."""


def place(sweep: SweepFile) -> Path:
    """Returns where the plan file of a sweep is, or will be."""
    return Path(sweep.store).absolute() / f"{sweep.name}.plan.json"


def read(sweep: SweepFile) -> dict[str, Any]:
    """Returns what the plan file of a sweep says; nothing where there is none.

    Raises:
        StoreError: If it cannot be read.
    """
    path = place(sweep)
    try:
        said: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if not isinstance(said["plan"], dict) or not isinstance(said["sha256"], str):
            raise TypeError("it has no plan")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(
            f"{path} cannot be read ({one_line(error, 120)}). Put it back from a copy; or delete it, and the next "
            "report says that the plan was frozen after its results."
        ) from None
    return said


def write(sweep: SweepFile, said: dict[str, Any]) -> None:
    """Puts the plan file in place, whole."""
    path = place(sweep)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(said, indent=1) + "\n").encode())


def digest(promised: Any) -> str:
    """Returns the SHA-256 of a plan, or of what a search chose."""
    return hashlib.sha256(json.dumps(promised, sort_keys=True).encode()).hexdigest()


def now() -> str:
    """Returns the time as the plan file writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
