"""Sweep file reader: refuses what cannot be run, with file, line and a suggestion."""

import math
from pathlib import Path
from typing import Any

from pydantic import BaseModel, create_model

from datasets import READERS
from harness.config.schema import ModelEntry, Resources, Strict, SweepFile, TrainerSettings
from harness.config.yaml_lines import YamlFile
from harness.core.registry import Registry
from models import OBJECTIVES, STRUCTURE_ENCODERS, TEXT_ENCODERS


def load(path: Path) -> SweepFile:
    """Returns a sweep file, checked; raises ConfigError, with file and line, on anything that cannot be run."""
    source = YamlFile(path)
    sweep = source.validate(SweepFile)
    for key, entry in sweep.models.items():
        _check_component(source, STRUCTURE_ENCODERS, sweep.structure_of(key), ("models", key), "model")
        _check_objective_and_merges(source, sweep, key, entry)
        if entry.encoder:
            _check_component(source, TEXT_ENCODERS, entry.encoder.name, ("models", key, "encoder"), "name")
    for key, dataset in sweep.datasets.items():
        _check_component(source, READERS, dataset.reader or key, ("datasets", key), "reader")
    for section, entries in (("models", sweep.models), ("datasets", sweep.datasets)):
        titles = dict[str, str]()
        for key in entries:
            title = entries[key].label or key
            if (other := titles.setdefault(title, key)) != key:
                problem = f"{key} and {other} are both called {title!r}; give one another `label`"
                raise source.error((section, key, "label"), problem)
            source.validate(_partial(TrainerSettings), (section, key, "trainer"))
            source.validate(_partial(Resources), (section, key, "resources"))
    _check_component(source, TEXT_ENCODERS, sweep.encoder.name, ("encoder",), "name")
    lists: list[tuple[tuple[str, ...], tuple[Any, ...]]] = [(("seeds",), sweep.seeds), (("merges",), sweep.merges)]
    lists += [(("models", key, "merges"), entry.merges or ()) for key, entry in sweep.models.items()]
    for place, values in lists:
        if twice := sorted({value for value in values if values.count(value) > 1}, key=str):
            raise source.error(place, f"{place[-1]} repeats {', '.join(map(str, twice))}; name each once")
    for name in sweep.statistics.other_test_documents:
        if name not in sweep.datasets:
            raise source.unknown(("statistics", "other_test_documents"), "dataset", name, sweep.datasets)
    _check_published(source, sweep)
    _check_claims(source, sweep)
    return sweep


def _partial(model: type[BaseModel]) -> type[BaseModel]:
    """Returns the same fields, all optional: what an override may set."""
    fields: dict[str, Any] = {name: (field.rebuild_annotation(), None) for name, field in model.model_fields.items()}
    return create_model(f"{model.__name__} override", __base__=Strict, **fields)


def _check_component(source: YamlFile, registry: Registry, name: str, place: tuple[str, ...], field: str) -> None:
    if name not in registry:
        raise source.unknown((*place, field), registry.kind, name, registry)
    source.validate(registry[name].options, (*place, "options"))


def _check_objective_and_merges(source: YamlFile, sweep: SweepFile, key: str, entry: ModelEntry) -> None:
    model, place = STRUCTURE_ENCODERS[sweep.structure_of(key)], ("models", key)
    name = sweep.objective_of(key)
    if entry.objective:
        if "objective" in model.refuses:
            problem = f"{model.name} has a loss of its own: {model.refuses['objective']}"
            raise source.error((*place, "objective"), problem)
        _check_component(source, OBJECTIVES, name, (*place, "objective"), "name")
    options = model.resolved(entry.options)
    for option, reason in OBJECTIVES[name].refuses_options.items():
        if options.get(option):
            given = (*place, "options", option) if option in entry.options else place
            problem = f"{name} makes no sense with {option} {options[option]:g}: {reason}"
            raise source.error(given, f"{problem}; set `options: {{{option}: 0.0}}` for {key}")
    for merge in sweep.merges_of(key):
        for component in (model, OBJECTIVES[name]):
            if merge in component.refuses:
                fit = [one for one in sweep.merges_of(key) if one not in component.refuses]
                problem = f"{component.name} makes no sense under {merge}: {component.refuses[merge]}"
                advice = f"set `merges: [{', '.join(fit)}]` for {key}" if fit else f"leave {key} out"
                raise source.error((*place, "merges"), f"{problem}; {advice}")


def _check_published(source: YamlFile, sweep: SweepFile) -> None:
    rows, metrics = ["/".join(row) for row in sweep.rows], sweep.statistics.star_metrics
    for row, columns in (sweep.published.scores if sweep.published else {}).items():
        place = ("published", "scores", row)
        if row not in rows:
            raise source.unknown(place, "row", row, rows)
        model = row.partition("/")[0]
        if reason := sweep.reconstruction_of(model):
            problem = f"{model} is a reconstruction, {reason}; no published score is held against it"
            raise source.error(place, f"{problem}: leave {row} out")
        for dataset, scores in columns.items():
            if dataset not in sweep.datasets:
                raise source.unknown((*place, dataset), "dataset", dataset, sweep.datasets)
            for metric in scores:
                if metric not in metrics:
                    raise source.unknown((*place, dataset, metric), "metric", metric, metrics)


def _check_claims(source: YamlFile, sweep: SweepFile) -> None:
    base = sweep.statistics.base
    variants = {model: [one for one in sweep.merges_of(model) if one != base] for model in sweep.models}
    models = [model for model in sweep.models if variants[model] and base in sweep.merges_of(model)]
    compared = [f"{model}/{merge}" for model in models for merge in variants[model]]
    places = [*sweep.datasets, *(["average"] if len(sweep.datasets) > 1 else [])]
    for name, claim in sweep.claims.items():
        if claim.kind != "best" and not models:
            problem = f"{claim.kind} compares merges with the base merge {base!r}; `merges` has to name it and another"
            raise source.error(("claims", name, "kind"), problem)
        rivals = ["/".join(row) for row in sweep.rows if len(sweep.merges_of(row[0])) > 1]
        known = models if claim.kind == "larger_gain" else rivals if claim.kind == "best" else compared
        for field, values, names in (
            ("rows", claim.rows, known),
            ("data", claim.data, list(sweep.datasets) if claim.kind == "time_ratio" else places),
            ("metrics", claim.metrics, sweep.statistics.star_metrics),
        ):
            for value in values:
                if value not in names:
                    raise source.unknown(("claims", name, field), field, value, names)
        if claim.kind == "larger_gain":
            if len(set(claim.rows)) != 2 or len(claim.rows) != 2:
                raise source.error(("claims", name, "rows"), "larger_gain compares two models")
            if not set(variants[claim.rows[0]]) & set(variants[claim.rows[1]]):
                problem = f"{' and '.join(claim.rows)} share no merge but the base, so no gains can be compared"
                raise source.error(("claims", name, "rows"), problem)
        low, high = claim.bounds
        least = 0.0 if claim.kind == "time_ratio" else -math.inf
        if not least < low < high:
            above = ", and above 0 for a time_ratio" if claim.kind == "time_ratio" else ""
            raise source.error(("claims", name, "bounds"), f"the bounds {low:g} and {high:g} must rise{above}")
