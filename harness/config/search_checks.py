"""Checks of a sweep file's search: what cannot be searched is refused, with line and reason, before any trial runs."""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.config.schema import SweepFile
from harness.config.search import GROUPS, Dimension, Space, setting
from harness.config.trainer import TrainerSettings
from harness.config.yaml_lines import Place, YamlFile
from harness.core.registry import Component
from models import OBJECTIVES, TEXT_ENCODERS


def check_search(source: YamlFile, sweep: SweepFile) -> None:
    """Refuses, with ConfigError, a search that cannot be made, or that would not be fair without saying so."""
    for model, entry in sweep.models.items():
        if entry.search and not sweep.search:
            problem = "a model's search needs the sweep's: add `search: {trials: 16}`, the budget of every row"
            raise source.error(("models", model, "search"), problem)
    if not (search := sweep.search):
        return
    if search.searcher != "random" and not find_spec(search.searcher):
        problem = f"the searcher {search.searcher} is not installed; `pip install {search.searcher}`, or use random"
        raise source.error(("search", "searcher"), problem)
    reported = {seed for model in sweep.models for seed in sweep.seeds_of(model)}
    if both := sorted(reported & {*search.seeds}):
        problem = f"{both[0]} is a seed of the report too, which would show the luck of the search; take other ones"
        raise source.error(("search", "seeds"), problem)
    _check_shared(source, search.space)
    if not any(sweep.budget_of(model) for model in sweep.models):
        problem = "nothing is searched; name a setting, such as `space: {trainer.head_lr: {log_uniform: [1e-3, 1e-1]}}`"
        raise source.error(("search",), problem)
    for model in sweep.models:
        for name, dimension, place in _dimensions(sweep, model):
            _check_dimension(source, sweep, model, name, dimension, place)
        _check_budget(source, sweep, model)


def _check_shared(source: YamlFile, space: Space) -> None:
    for name in space:
        group, _ = setting(name)
        if group not in GROUPS:
            problem = f"{name} is no setting that can be searched; those begin with {', '.join(GROUPS)} and a dot"
            raise source.error(("search", "space", name), problem)
        if group not in ("trainer", "encoder"):
            problem = f"{name} is a setting of single models; name it in an entry of `models`, under `search: space:`"
            raise source.error(("search", "space", name), problem)


def _dimensions(sweep: SweepFile, model: str) -> Iterator[tuple[str, Dimension, Place]]:
    """Yields what is searched of a model, and where the file says so."""
    own = sweep.models[model].search
    for name, dimension in sweep.space_of(model).items():
        is_own = own is not None and name in own.space
        yield name, dimension, ("models", model, "search", "space", name) if is_own else ("search", "space", name)


def _check_dimension(
    source: YamlFile, sweep: SweepFile, model: str, name: str, dimension: Dimension, place: Place
) -> None:
    group, field = setting(name)
    owners = _owners(sweep, model)
    if group not in owners:
        problem = f"{model} has no {group} settings to search; those of it begin with {', '.join(owners)} and a dot"
        raise source.error(place, f"{name}: {problem}")
    owner = owners[group]
    settings = TrainerSettings if owner is None else owner.options
    if field not in settings.model_fields:
        raise source.unknown(place, f"{group} setting of {model}", field, settings.model_fields)
    if owner and field in owner.sources:
        raise source.error(place, f"{name} names what is loaded, which is no setting; make two models of it")
    if group == "options" and not sweep.is_system(model):
        reason = OBJECTIVES[sweep.objective_of(model)].refuses_options.get(field)
        if reason:
            raise source.error(place, f"{name} has to stay 0 with the objective of {model}: {reason}")
    for value in dimension.examples:
        if problem := _refusal(settings, field, value):
            if isinstance(value, float):
                problem += f"; {dimension.law} draws such values, int and choice only whole ones"
            raise source.error(place, f"{name} of {model} cannot be {value!r}: {problem}")


def _owners(sweep: SweepFile, model: str) -> dict[str, Component | None]:
    """Returns whose settings each group names for a model; None stands for the trainer."""
    encoder = sweep.encoder_of(model)
    owners: dict[str, Component | None] = {"options": sweep.component_of(model)}
    if encoder:
        owners["encoder"] = TEXT_ENCODERS[encoder.name]
    if not sweep.is_system(model):
        owners |= {"trainer": None, "objective": OBJECTIVES[sweep.objective_of(model)]}
    return owners


def _refusal(settings: type[BaseModel], field: str, value: Any) -> str:
    """Returns why a setting cannot have a value; nothing where it can."""
    try:
        settings.model_validate_json(json.dumps({field: value}), strict=True)
    except ValidationError as problem:
        return next((error["msg"] for error in problem.errors() if error["loc"][:1] == (field,)), "")
    return ""


def _check_budget(source: YamlFile, sweep: SweepFile, model: str) -> None:
    """Refuses a budget of another size than the shared one, unless the file says that budgets are unequal."""
    assert sweep.search
    own, budget = sweep.models[model].search, sweep.budget_of(model)
    if sweep.search.unequal or budget == sweep.search.trials or (not budget and sweep.is_system(model)):
        return
    place = ("models", model, "search", "trials") if own and own.trials else ("models", model)
    problem = f"{model} has {budget or 'no'} trials to be tuned in, and the budget of a row is {sweep.search.trials}"
    raise source.error(place, f"{problem}; give all the same, or say `unequal: true` under `search`")
