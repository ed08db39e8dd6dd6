"""Descriptions of every sweep file field and of every registered component: `--explain` and `--list`."""

import json
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from datasets import READERS
from harness.config.schema import SweepFile
from harness.core.text import one_line
from models import OBJECTIVES, STRUCTURE_ENCODERS, SYSTEMS, TEXT_ENCODERS, Coherence, HeadSplit, Merge


def explain(model: type[BaseModel] = SweepFile, indent: str = "") -> str:
    """Returns every field of the sweep file with its choices, default and documentation."""
    lines = []
    for name, field in model.model_fields.items():
        nested = _find(field.annotation, lambda part: isinstance(part, type) and issubclass(part, BaseModel))
        names = choices(field.annotation)
        facts = [f"{'one of' if len(names) > 1 else 'a number or'} {', '.join(map(str, names))}"] if names else []
        if field.is_required():
            facts.append("required")
        elif not nested:
            facts.append(f"default {json.dumps(field.default)}")
        text = one_line(field.description or "")
        lines.append(f"{indent}{name}: {text}" + (f" [{'; '.join(facts)}]" if facts else ""))
        if nested:
            lines.append(explain(nested, indent + "    "))
    return "\n".join(lines)


def choices(annotation: Any) -> tuple[Any, ...]:
    """Returns what a type annotation lets one choose from; nothing where it names no values."""
    return get_args(_find(annotation, lambda part: get_origin(part) is Literal))


def _find(annotation: Any, wanted: Callable[[Any], bool]) -> Any:
    """Returns the first part of a type annotation that is wanted."""
    if wanted(annotation):
        return annotation
    return next((found for part in get_args(annotation) if (found := _find(part, wanted))), None)


def list_everything() -> str:
    """Returns every registered name with its one-line summary and its options."""
    lines = []
    for registry in (STRUCTURE_ENCODERS, SYSTEMS, OBJECTIVES, TEXT_ENCODERS, READERS):
        lines.append(f"{registry.kind}s")
        for name, component in registry.items():
            lines.append(f"  {name:<20}{component.summary}")
            if registry is TEXT_ENCODERS:
                rates = ", ".join(f"{rate} {value:g}" for rate, value in component.learning_rates.items())
                lines.append(f"      learning rates where a sweep file names none: {rates}")
            for option, field in component.options.model_fields.items():
                others = [repr(one) for one in choices(field.annotation) if one != field.default]
                value = " | ".join([repr(field.default), *others])
                lines.append(f"      {option} = {value}  {field.description or ''}".rstrip())
    for title, choice in {"merges": Merge, "splits": HeadSplit, "coherence": Coherence}.items():
        lines += [title, *(f"  {name}" for name in get_args(choice))]
    return "\n".join(lines)
