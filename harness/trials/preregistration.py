"""Pre-registration: the plan of a sweep, frozen before its first trial.

`store/NAME.plan.json` says what is compared with what, over which seeds, by which rules; it is written until there is a
result.
"""

from collections.abc import Container, Mapping
from dataclasses import asdict
from itertools import combinations, product
from typing import Any

from harness.config.arguments import FIELDS
from harness.config.schema import ONE_RUN
from harness.core.environment import environment
from harness.core.resampling import Resampling
from harness.trials import plan_file
from harness.trials.plan import Plan
from harness.trials.settings import NOT_IDENTITY, CellKey, TrialSettings, flat_settings


def protocol(plan: Plan) -> dict[str, Any]:
    """Returns what a plan promises: everything that decides which tests are made, of what, and how they are read."""
    sweep = plan.sweep
    # Standing controls are no promise: every sweep has them, also those that were planned before there were any.
    models = [key for key in sweep.models if not sweep.is_standing(key)]
    # Plans that were frozen before there was a choice have none.
    choices: dict[str, Any] = {} if sweep.decision == "0.5" else {"decision": sweep.decision}
    if sweep.search:
        spaces = {model: sweep.space_of(model) for model in models if sweep.budget_of(model)}
        choices["search"] = sweep.search.model_dump(mode="json", exclude={"space"}) | {
            "spaces": {
                model: {name: one.model_dump(mode="json") for name, one in space.items()}
                for model, space in spaces.items()
            },
            "budgets": {model: sweep.budget_of(model) for model in spaces},
        }
    if own := {model: sorted(sweep.seeds_of(model)) for model in models if sweep.models[model].seeds}:
        choices["own_seeds"] = own
    return choices | {
        "models": {key: "control" if sweep.models[key].control else "compared" for key in models},
        "rows": sorted("/".join(row) for row in sweep.rows if row[0] in models),
        "datasets": sorted(sweep.datasets),
        "seeds": sorted(sweep.seeds),
        "settings": _settings(plan, models),
        # Plans that were frozen before there was a choice have neither, and mean the base merges.
        "compare": None if sweep.comparing.rule == "base" else sweep.comparing.model_dump(mode="json"),
        "contrasts": [list(pair) for pair in sweep.contrasts] or None,
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


def _settings(plan: Plan, models: Container[str]) -> dict[str, Any]:
    """Returns every resolved setting of some models' trials but seed and resources, by name.

    One that is the same in all cells is its value, and one that is not has a value for each of what it depends on,
    such as each model: a plan of a thousand cells stays one that can be read.
    """
    firsts: dict[CellKey, TrialSettings] = {}
    for one in plan.untuned:
        if one.model in models:
            firsts.setdefault(one.cell, one)
    values: dict[str, dict[CellKey, Any]] = {}
    for kind in dict.fromkeys(one.kind for one in firsts.values()):
        cells = {cell: flat_settings(one.counting) for cell, one in firsts.items() if one.kind == kind}
        for name in {name for settings in cells.values() for name in settings} - {*FIELDS, *NOT_IDENTITY, "loads"}:
            values.setdefault(name, {}).update({cell: settings.get(name) for cell, settings in cells.items()})
    return {name: _shortest(values[name]) for name in sorted(values)}


def _shortest(values: Mapping[CellKey, Any]) -> Any:
    """Returns the values by the fewest of model, merge and dataset that tell them apart."""
    for places in (places for number in range(4) for places in combinations(range(3), number)):
        found: dict[str, Any] = {}
        keys = {cell: "/".join(cell[place] for place in places) for cell in values}
        if all(found.setdefault(keys[cell], value) == value for cell, value in values.items()):
            return found if places else found[""]
    raise AssertionError("a cell has one value")


def freeze(plan: Plan) -> None:
    """Writes the plan down, in place of an earlier one of which there is no result yet, and what it loads."""
    plan.sources.keep()
    said, promised = plan_file.read(plan.sweep), protocol(plan)
    if said:
        earlier = said["plan"]
        own = earlier.get("own_seeds", {})
        planned = {
            place
            for model in earlier["models"]
            for place in product([model], earlier["datasets"], own.get(model, [*earlier["seeds"], ONE_RUN]))
        }
        names = ("model", "dataset", "seed")
        # A result of these models, datasets and seeds is one that someone may have seen.
        results = (tuple(record.settings.get(name) for name in names) for record in plan.store.records())
        if earlier == promised or not planned.isdisjoint(results):
            return
    sha256, commit = plan_file.digest(promised), environment()["commit"]
    frozen = {"sha256": sha256, "frozen": plan_file.now(), "commit": commit, "plan": promised}
    plan_file.write(plan.sweep, {**said, **frozen})
