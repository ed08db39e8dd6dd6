"""YAML file that knows the line of each key, so that errors can name it."""

import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from harness.core.errors import ConfigError
from harness.core.registry import nearest
from harness.core.text import one_line

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """The safe loader, with `1e-6` read as a number (YAML 1.1 would call it text)."""


class _Dumper(yaml.SafeDumper):
    """The safe dumper, with quotes around what only `_Loader` reads as a number."""


for _class in (_Loader, _Dumper):
    _class.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
    )


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _string)


def as_yaml(value: object) -> str:
    """Returns plain data as YAML on one line, which a sweep file reads as the same data."""
    flow: str = yaml.dump(
        [value], Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=math.inf, sort_keys=False
    )
    return flow[1:-2]


class YamlFile:
    """Plain data, and the line of every key and item; raises ConfigError on a file that is not such YAML."""

    def __init__(self, path: Path):
        self.path = path
        self.lines: dict[Place, int] = {}
        try:
            self.data = self._read(_Loader(path.read_text("utf-8")))
        except ConfigError:
            raise
        except FileNotFoundError:
            problem = "there is no such sweep file. The ones that come along are in sweeps/."
            raise ConfigError(f"{path}: {problem}") from None
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}). Save the file as UTF-8.") from None
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise ConfigError(f"{path}:{line}: this is no YAML: {error.problem}.") from None
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            raise ConfigError(f"{path}: cannot be read: {one_line(error)}.") from None

    def _read(self, loader: _Loader) -> Any:
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise ConfigError(f"{self.path}:1: a sweep file is a mapping of keys; `--explain` lists them.")
        self._note_lines(root, ())
        return loader.construct_document(root)

    def _note_lines(self, node: yaml.Node, place: Place) -> None:
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                line = key.start_mark.line + 1
                if key.tag != "tag:yaml.org,2002:str":
                    raise ConfigError(f"{self.path}:{line}: a key must be text; put it in quotes.")
                inner = (*place, str(key.value))
                if inner in self.lines:
                    raise ConfigError(f"{self.path}:{line}: the key {key.value!r} stands here twice.")
                self.lines[inner] = line
                self._note_lines(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                self._note_lines(value, (*place, number))

    def error(self, place: Place, text: str) -> ConfigError:
        """Returns an error that names the file, and the line of the nearest key that has one."""
        while place not in self.lines:
            place = place[:-1]
        end = "" if text.endswith("?") else "."
        return ConfigError(f"{self.path}:{self.lines[place]}: {text}{end}")

    def unknown(self, place: Place, kind: str, name: str, known: Iterable[str]) -> ConfigError:
        return self.error(place, f"unknown {kind} {name!r}.{nearest(name, known)}".rstrip("."))

    def validate(self, model: type[Model], place: Place = ()) -> Model:
        """Returns the data at a place as a model, or raises ConfigError: every problem with its line."""
        data = self.data
        for step in place:
            data = data.get(step) or {}
        try:
            # Through JSON, where strictness still lets a list become a tuple.
            return model.model_validate_json(json.dumps(data, default=str), strict=True)
        except ValidationError as problem:
            # A misspelt key first: what seems to be missing is often just that.
            errors = sorted(problem.errors(), key=lambda error: error["type"] != "extra_forbidden")
            texts = [str(self._explain(model, place, error)) for error in errors]
            raise ConfigError(" ".join(dict.fromkeys(texts))) from None

    def _explain(self, model: type[BaseModel], place: Place, error: Any) -> ConfigError:
        where = tuple(step for step in error["loc"] if step != "[key]")
        spot = (*place, *where)
        name = ".".join(map(str, spot))
        if error["type"] == "extra_forbidden":
            known = _fields_at(model, where[:-1])
            return self.error(spot, f"unknown key {name!r}.{nearest(str(where[-1]), known)}".rstrip("."))
        if error["type"] == "missing":
            return self.error(spot[:-1], f"the key {name!r} is missing")
        given = json.dumps(error["input"], default=str)
        said = error["msg"].removeprefix("Value error, ")
        return self.error(spot, f"{name}: {said}, not {given if len(given) < 60 else given[:57] + '...'}")


def _fields_at(model: type[BaseModel], where: Place) -> list[str]:
    """Returns the field names of the model that an error's path leads to."""
    for step in where:
        field = model.model_fields.get(str(step))
        if field is None:  # A key of a mapping: the model stays that of the mapping's values.
            continue
        parts: list[Any] = [field.annotation]
        for part in parts:  # Which grows: to any depth.
            parts += get_args(part)
        model = next(kind for kind in parts if isinstance(kind, type) and issubclass(kind, BaseModel))
    return list(model.model_fields)
