"""Sweep file reader: refuses what cannot be run, with file, line and a suggestion."""

import math
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import BaseModel, create_model

from datasets import READERS
from harness.config.schema import ModelEntry, SweepFile
from harness.config.search_checks import check_search
from harness.config.strict import Strict
from harness.config.trainer import Resources, TrainerSettings
from harness.config.yaml_lines import YamlFile
from harness.core.registry import Registry
from models import OBJECTIVES, STRUCTURE_ENCODERS, SYSTEMS, TEXT_ENCODERS


def load(path: Path) -> SweepFile:
    """Returns a sweep file, checked; raises ConfigError, with file and line, on anything that cannot be run."""
    source = YamlFile(path)
    sweep = _with_controls(source, source.validate(SweepFile))
    for key, entry in sweep.models.items():
        if (name := entry.model or key) not in STRUCTURE_ENCODERS and name not in SYSTEMS:
            raise source.unknown(("models", key, "model"), "model", name, [*STRUCTURE_ENCODERS, *SYSTEMS])
        source.validate(sweep.component_of(key).options, ("models", key, "options"))
        if sweep.is_system(key):
            _check_system(source, sweep, key, entry)
        else:
            _check_objective_and_merges(source, sweep, key, entry)
        if entry.encoder:
            _check_component(source, TEXT_ENCODERS, entry.encoder.name, ("models", key, "encoder"), "name")
        elif not sweep.is_system(key) and not sweep.encoder:
            problem = f"{key} is trained with a text encoder, and none is named; add `encoder: {{name: bag}}`"
            raise source.error(("models", key), f"{problem}, or another one of `--list`")
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
    if sweep.encoder:
        _check_component(source, TEXT_ENCODERS, sweep.encoder.name, ("encoder",), "name")
    lists: list[tuple[tuple[str, ...], tuple[Any, ...]]] = [(("seeds",), sweep.seeds), (("merges",), sweep.merges)]
    if sweep.search:
        lists.append((("search", "seeds"), sweep.search.seeds))
    for key, entry in sweep.models.items():
        lists += [(("models", key, "merges"), entry.merges or ()), (("models", key, "seeds"), entry.seeds or ())]
    for place, values in lists:
        _refuse_repeats(source, place, values)
    for name in sweep.statistics.other_test_documents:
        if name not in sweep.datasets:
            raise source.unknown(("statistics", "other_test_documents"), "dataset", name, sweep.datasets)
    check_search(source, sweep)
    _check_comparisons(source, sweep)
    _check_published(source, sweep)
    _check_claims(source, sweep)
    return sweep


def _with_controls(source: YamlFile, sweep: SweepFile) -> SweepFile:
    """Returns a sweep with its standing controls among the models, each as a control where the file has no entry."""
    for name in sweep.controls:
        if name not in SYSTEMS:
            raise source.unknown(("controls",), "system", name, SYSTEMS)
    present = {entry.model or key for key, entry in sweep.models.items()} | sweep.models.keys()
    added = {name: ModelEntry(control=True) for name in sweep.controls if name not in present}
    return sweep.model_copy(update={"models": {**sweep.models, **added}})


_OF_TRAINED = ("objective", "coherence", "branch_reduction", "split", "foreign_rows", "merges", "trainer")
"""Fields of a model's entry that only mean something where a model is trained."""


def _check_system(source: YamlFile, sweep: SweepFile, key: str, entry: ModelEntry) -> None:
    """Refuses what only a trained model has, in the entry of a system."""
    system, place = sweep.component_of(key), ("models", key)
    for field in sorted(entry.model_fields_set & {*_OF_TRAINED, *(() if system.reads_vectors else ("encoder",))}):
        problem = f"{system.name} is not trained by gradients, and has no use for {field}"
        raise source.error((*place, field), f"{problem}; leave it out")
    if len({*(entry.seeds or ())}) > 1 and not (system.sources or entry.encoder) and system.deterministic:
        raise source.error((*place, "seeds"), f"no seed changes {system.name}, which has one run; leave seeds out")


def _partial(model: type[BaseModel]) -> type[BaseModel]:
    """Returns the same fields, all optional: what an override may set."""
    fields: dict[str, Any] = {name: (field.rebuild_annotation(), None) for name, field in model.model_fields.items()}
    return create_model(f"{model.__name__} override", __base__=Strict, **fields)


def _refuse_repeats(source: YamlFile, place: tuple[str, ...], values: tuple[Any, ...]) -> None:
    if twice := sorted({value for value in values if values.count(value) > 1}, key=str):
        raise source.error(place, f"{place[-1]} repeats {', '.join(map(str, twice))}; name each once")


def _check_component(source: YamlFile, registry: Registry, name: str, place: tuple[str, ...], field: str) -> None:
    if name not in registry:
        raise source.unknown((*place, field), registry.kind, name, registry)
    source.validate(registry[name].options, (*place, "options"))


def _check_objective_and_merges(source: YamlFile, sweep: SweepFile, key: str, entry: ModelEntry) -> None:
    model, place = sweep.component_of(key), ("models", key)
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


def _check_comparisons(source: YamlFile, sweep: SweepFile) -> None:
    rule, rows = sweep.comparing, sweep.named_rows
    if rule.rule == "against" and rule.against not in rows:
        raise source.unknown(("compare", "against"), "row", rule.against, rows)
    pairs = list[set[tuple[str, str]]]()
    for contrast in sweep.contrasts:
        for name in contrast:
            if name not in rows:
                raise source.unknown(("contrasts",), "row", name, rows)
        pairs.append({rows[name] for name in contrast})
        said = f"contrasts compare {contrast[0]} with {contrast[1]}"
        if len(pairs[-1]) < 2:
            raise source.error(("contrasts",), f"{said}, which is the same row; name two")
        if pairs[-1] in pairs[:-1]:
            raise source.error(("contrasts",), f"{said} twice; name each two rows once")
    if rule.rule == "contrasts" and not pairs:
        raise source.error(("compare",), "compare: contrasts tests nothing without `contrasts: [[ROW, ROW], ...]`")


def _check_published(source: YamlFile, sweep: SweepFile) -> None:
    rows = ["/".join(row) for row in sweep.rows]
    for name, found in sweep.published.items():
        for row in found.scores:
            place = ("published", name, "scores", row)
            if row not in rows:
                raise source.unknown(place, "row", row, rows)
            model = row.partition("/")[0]
            if reason := sweep.reconstruction_of(model):
                problem = f"{model} is a reconstruction, {reason}; no published score is held against it"
                raise source.error(place, f"{problem}: leave {row} out")
        for field, systems in (("scores", found.scores), ("literature", found.literature)):
            for system, dataset in ((key, dataset) for key, columns in systems.items() for dataset in columns):
                if dataset not in sweep.datasets:
                    where = ("published", name, field, system, dataset)
                    raise source.unknown(where, "dataset", dataset, sweep.datasets)


def _check_claims(source: YamlFile, sweep: SweepFile) -> None:
    base = sweep.statistics.base
    variants = {model: [one for one in sweep.merges_of(model) if one != base] for model in sweep.models}
    models = [model for model in sweep.models if variants[model] and base in sweep.merges_of(model)]
    compared = [f"{model}/{merge}" for model in models for merge in variants[model]]
    rows, kept = sweep.named_rows, [row for row in sweep.rows if not sweep.models[row[0]].control]
    is_wide = sweep.comparing.rule != "base" and len(kept) > 1
    rivals = [
        name
        for name, (model, _) in rows.items()
        if len(sweep.merges_of(model)) > 1 or (is_wide and not sweep.models[model].control)
    ]
    places = [*sweep.datasets, *(["average"] if len(sweep.datasets) > 1 else [])]
    for name, claim in sweep.claims.items():
        place = ("claims", name)
        known = {"larger_gain": models, "best": rivals, "equivalent": list(rows), "above": list(rows)}
        if claim.kind == "exceeds":
            if claim.source not in sweep.published:
                raise source.unknown((*place, "source"), "source", claim.source, sweep.published)
            known["exceeds"] = list(sweep.published[claim.source].scores)
            if not known["exceeds"]:
                raise source.error((*place, "source"), f"{claim.source} has no scores of rows of this sweep")
        elif claim.kind not in ("best", "equivalent", "above") and not models:
            problem = f"{claim.kind} compares merges with the base merge {base!r}; `merges` has to name it and another"
            raise source.error((*place, "kind"), problem)
        for field, values, names in (
            ("rows", claim.rows, known.get(claim.kind, compared)),
            ("data", claim.data, list(sweep.datasets) if claim.kind == "time_ratio" else places),
            ("metrics", claim.metrics, sweep.statistics.star_metrics),
        ):
            for value in values:
                if value not in names:
                    raise source.unknown((*place, field), field, value, names)
            _refuse_repeats(source, (*place, field), values)
        if (
            claim.kind in ("larger_gain", "equivalent", "above")
            and len({rows.get(row, row) for row in claim.rows}) != 2
        ):
            two = "models" if claim.kind == "larger_gain" else "rows"
            raise source.error((*place, "rows"), f"{claim.kind} compares two {two}")
        if claim.kind == "larger_gain" and not set(variants[claim.rows[0]]) & set(variants[claim.rows[1]]):
            problem = f"{' and '.join(claim.rows)} share no merge but the base, so no gains can be compared"
            raise source.error((*place, "rows"), problem)
        for row, data, metric in product(claim.rows, claim.data, claim.metrics) if claim.kind == "exceeds" else ():
            for dataset in sweep.datasets if data == "average" else [data]:
                if metric not in sweep.published[claim.source].scores[row].get(dataset, {}):
                    raise source.error(place, f"{claim.source} has no {metric} of {row} on {dataset} to be exceeded")
        low, high = claim.bounds
        least = 0.0 if claim.kind == "time_ratio" else -math.inf
        if not least < low < high:
            above = ", and above 0 for a time_ratio" if claim.kind == "time_ratio" else ""
            raise source.error((*place, "bounds"), f"the bounds {low:g} and {high:g} must rise{above}")
