"""Pre-registration: the plan of a sweep, frozen before its first trial, and the looks at its results.

store/NAME.plan.json     what is compared with what, over which seeds, by which rules; written until there is a result
store/NAME.looks.jsonl   one line per set of finished trials that a report tested
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import combinations, product
from typing import Any

from harness.config.arguments import FIELDS
from harness.core.environment import environment
from harness.core.files import write_atomically
from harness.core.resampling import Resampling
from harness.trials.plan import Plan
from harness.trials.settings import CellKey, flat_settings


@dataclass(frozen=True)
class Registration:
    """Whether the plan was frozen before anything was known, and followed."""

    frozen: str  # UTC time, ISO 8601; empty where no plan was frozen.
    sha256: str  # Hash of the plan.
    num_older: int  # Results that are older than the plan.
    changes: tuple[str, ...]  # What the sweep file says otherwise now.
    num_seeds: int  # Seeds of the plan; where none was frozen, those of the sweep file.


def protocol(plan: Plan) -> dict[str, Any]:
    """Returns what a plan promises: everything that decides which tests are made, of what, and how they are read."""
    sweep = plan.sweep
    return {
        "models": {key: "control" if entry.control else "compared" for key, entry in sweep.models.items()},
        "rows": sorted("/".join(row) for row in sweep.rows),
        "datasets": sorted(sweep.datasets),
        "seeds": sorted(sweep.seeds),
        "settings": _settings(plan),
        "statistics": sweep.statistics.model_dump(mode="json"),
        "resampling": asdict(Resampling()),
        "claims": {
            # Plans that were frozen before claims could have a source have none that is empty.
            name: claim.model_dump(mode="json", exclude={"text"} if claim.source else {"text", "source"})
            for name, claim in sweep.claims.items()
        },
        "published": {key: one.model_dump(mode="json", exclude={"source"}) for key, one in sweep.published.items()}
        or None,
    }


def _settings(plan: Plan) -> dict[str, Any]:
    """Returns every resolved setting of the trials but seed and resources, by name.

    One that is the same in all cells is its value, and one that is not has a value for each of what it depends on,
    such as each model: a plan of a thousand cells stays one that can be read.
    """
    first_seed = [one.settings for one in plan.trials if one.settings.seed == plan.sweep.seeds[0]]
    left_out = {*FIELDS, "resources"}
    cells = {one.cell: flat_settings(one.model_dump(mode="json", exclude=left_out)) for one in first_seed}
    names = sorted({name for settings in cells.values() for name in settings})
    return {name: _shortest({cell: settings.get(name) for cell, settings in cells.items()}) for name in names}


def _shortest(values: Mapping[CellKey, Any]) -> Any:
    """Returns the values by the fewest of model, merge and dataset that tell them apart."""
    for places in (places for number in range(4) for places in combinations(range(3), number)):
        found: dict[str, Any] = {}
        keys = {cell: "/".join(cell[place] for place in places) for cell in values}
        if all(found.setdefault(keys[cell], value) == value for cell, value in values.items()):
            return found if places else found[""]
    raise AssertionError("a cell has one value")


def digest(promised: dict[str, Any]) -> str:
    """Returns the SHA-256 of a plan."""
    return hashlib.sha256(json.dumps(promised, sort_keys=True).encode()).hexdigest()


def freeze(plan: Plan) -> None:
    """Writes the plan down, in place of an earlier one of which there is no result yet."""
    path, promised = plan.store.root / f"{plan.sweep.name}.plan.json", protocol(plan)
    if path.exists():
        earlier = json.loads(path.read_text("utf-8"))["plan"]
        planned = set(product(earlier["models"], earlier["datasets"], earlier["seeds"]))
        names = ("model", "dataset", "seed")
        # A result of these models, datasets and seeds is one that someone may have seen.
        results = (tuple(record.settings.get(name) for name in names) for record in plan.store.records())
        if earlier == promised or not planned.isdisjoint(results):
            return
    now = datetime.now(UTC).isoformat(timespec="seconds")
    frozen = {"sha256": digest(promised), "frozen": now, "commit": environment()["commit"], "plan": promised}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(frozen, indent=1) + "\n").encode())


def registration(plan: Plan) -> Registration:
    """Says whether the sweep follows the plan that was frozen, and whether that was before its first result."""
    path = plan.store.root / f"{plan.sweep.name}.plan.json"
    if not path.exists():
        return Registration("", "", 0, (), len(plan.sweep.seeds))
    frozen = json.loads(path.read_text("utf-8"))
    older = sum(one.record is not None and one.record.finished < frozen["frozen"] for one in plan.trials)
    changes = _changes(frozen["plan"], protocol(plan))
    if digest(frozen["plan"]) != frozen["sha256"]:
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
