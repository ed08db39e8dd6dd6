"""Pre-registration in a report: whether the frozen plan was followed, and how often results were looked at.

`store/NAME.looks.jsonl` has a line per set of finished trials that a report tested.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from harness.analysis.inputs import Registration
from harness.core.files import write_atomically
from harness.trials import plan_file
from harness.trials.plan import Plan
from harness.trials.preregistration import protocol


def registration(plan: Plan) -> Registration:
    """Says whether the sweep follows the plan that was frozen, and whether that was before its first result."""
    frozen = plan_file.read(plan.sweep)
    if not frozen:
        return Registration("", "", 0, (), len(plan.sweep.seeds))
    older = sum(one.record is not None and one.record.finished < frozen["frozen"] for one in plan.trials)
    changes = _changes(frozen["plan"], protocol(plan))
    if plan_file.digest(frozen["plan"]) != frozen["sha256"]:
        changes = ["the frozen plan itself was edited", *changes]
    num_seeds = len(frozen["plan"]["seeds"])
    return Registration(frozen["frozen"], frozen["sha256"], older, tuple(changes), num_seeds)


_RETIRED = {"statistics.correction": "holm", "statistics.families": "two", "statistics.first_look": 0}
"""Fields of earlier plans that no sweep file has any more, with the one value that says what is done today."""


def _changes(then: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for name in sorted(then.keys() | now.keys()):
        one, other, path = then.get(name), now.get(name), f"{prefix}{name}"
        if isinstance(one, dict) and isinstance(other, dict):
            found += _changes(one, other, f"{path}.")
        elif one != other and not (name not in now and path in _RETIRED and one == _RETIRED[path]):
            found.append(f"{path}: {_short(one)} -> {_short(other)}")
    return found


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def num_looks(plan: Plan, is_tested: bool) -> int:
    """Counts the sets of finished trials, whatever the filters, that were tested so far, and notes a new one.

    A set on which no test was computed, not `is_tested`, counts as no look.
    """
    path = plan.store.root / f"{plan.sweep.name}.looks.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    seen = {json.loads(line)["trials"] for line in lines}
    keys = sorted(one.key for one in plan.trials if one.state == "done")
    trials = hashlib.sha256(" ".join(keys).encode()).hexdigest()[:16]
    if is_tested and trials not in seen:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        entry = {"trials": trials, "finished": len(keys), "time": now}
        write_atomically(path, "".join(f"{line}\n" for line in [*lines, json.dumps(entry)]).encode())
        seen.add(trials)
    return len(seen)
