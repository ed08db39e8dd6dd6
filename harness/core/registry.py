"""Registry of components: names that a sweep file may use, with their options, read without importing the code.

An entry is `"name": "package.module:Object"`. The options of a component are the keyword-only
parameters of its constructor (or, for a function, of the function itself): their names, types and
defaults are parsed from the source, their documentation from the `Args:` section of its docstring.
So a plan can check every option without loading torch, and adding a model is one file and one line.
"""

import ast
import difflib
import importlib
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, create_model

from harness.core.errors import ConfigError
from harness.core.source import constant, numerics, parse
from harness.core.text import one_line

Positive = Annotated[int, Field(gt=0)]
NonNegative = Annotated[int, Field(ge=0)]
AtLeastTwo = Annotated[int, Field(ge=2)]
Share = Annotated[float, Field(ge=0, lt=1)]
Weight = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Loaded = Annotated[str, "loaded"]
"""An option that names what is loaded: a file, a folder, or beside an option `revision` a name on the hub."""
Value = TypeVar("Value")

_TYPES = {"Literal": Literal, "int": int, "float": float, "bool": bool, "str": str, "Loaded": Loaded}
_TYPES |= {"Positive": Positive, "NonNegative": NonNegative, "AtLeastTwo": AtLeastTwo}
_TYPES |= {"Share": Share, "Weight": Weight, "Fraction": Fraction}
"""What the annotation of an option may be made of."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns ` Did you mean 'x'?` for the closest known name, else all of them, in a sentence."""
    known = sorted(known)
    if not known:
        return " There are none to choose from."
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else f" Known: {', '.join(known)}."


def _constant(name: str, default: Value) -> "cached_property[Value]":
    """Returns a property of a component: the literal that its file gives a name, or the default."""

    def value(component: "Component") -> Value:
        said: Value | None = constant(component._tree, name)
        return default if said is None else said

    return cached_property(value)


@dataclass(frozen=True)
class Component:
    """One registered model, system, objective, encoder or corpus reader; its target is `package.module:Object`."""

    name: str
    target: str

    @property
    def module(self) -> str:
        return self.target.partition(":")[0]

    @property
    def _tree(self) -> ast.Module:
        tree = parse(self.module)
        assert tree is not None, f"{self.target} is registered as {self.name!r} but there is no such file"
        return tree

    @property
    def card(self) -> str:
        """The docstring of the component's file: paper, equations, what is faithful, what differs."""
        return ast.get_docstring(self._tree) or ""

    @property
    def summary(self) -> str:
        return self.card.partition("\n")[0]

    @cached_property
    def numerics(self) -> Mapping[str, int]:
        """The versions of all that can change the component's numbers, see `harness.core.source`."""
        return numerics(self.module)

    default_objective = _constant("OBJECTIVE", "bce")
    """The objective that a model is trained with unless a sweep file names another."""
    default_coherence = _constant("COHERENCE", cast(Any, "none"))
    """What an objective has done for coherence unless a sweep file says otherwise."""
    refuses = _constant("REFUSES", dict[str, str]())
    """Merges, or `objective` for any of one's own choice, that a model or an objective refuses, and why."""
    refuses_options = _constant("REFUSES_OPTIONS", dict[str, str]())
    """Options of a model that have to be 0 with an objective, and why."""
    reads_hierarchy = _constant("READS_HIERARCHY", True)
    """False of a model or an objective that knows of no edge."""
    deterministic = _constant("DETERMINISTIC", True)
    """False of a system of which two runs may differ, and of a text encoder that starts from random weights."""
    reads_vectors = _constant("READS_VECTORS", False)
    """True of a system that can read a text encoder's vectors in place of texts."""
    reconstruction = _constant("RECONSTRUCTION", "")
    """Why a model may not be what the paper describes; empty of all else."""
    learning_rates = _constant("LEARNING_RATES", {"encoder_lr": 2e-5, "head_lr": 1e-4})
    """Learning rates of a trial with a text encoder where a sweep file names none; by default the paper's, of BERT."""
    packages = _constant("PACKAGES", dict[str, str]())
    """Names of components whose weights come with a package, and `package/folder` of each."""

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The options that name what is loaded."""
        return tuple(name for name, field in self.options.model_fields.items() if "loaded" in field.metadata)

    @cached_property
    def recipe(self) -> int:
        """The `RECIPE` constant of a reader: raised whenever it makes something else of the same source."""
        version: int | None = constant(self._tree, "RECIPE")
        if version is None:
            raise ConfigError(f"{self.module} has no RECIPE constant; add `RECIPE = 1` to it.")
        return version

    @cached_property
    def options(self) -> type[BaseModel]:
        """A frozen pydantic model of the component's options; unknown names are refused by it."""
        wanted = self.target.partition(":")[2]
        defined = {one.name: one for one in self._tree.body if isinstance(one, ast.ClassDef | ast.FunctionDef)}
        if wanted not in defined:
            raise ConfigError(f"{self.target} is registered as {self.name!r} but {wanted} is not defined there.")
        node = defined[wanted]
        methods = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
        function = node if isinstance(node, ast.FunctionDef) else next(iter(methods), None)
        docs = _argument_docs((function and ast.get_docstring(function)) or ast.get_docstring(node) or "")
        # A class without a constructor of its own has no options.
        given = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True) if function else ()
        fields: dict[str, Any] = {}
        for argument, default in given:
            assert argument.annotation is not None and default is not None, f"{self.target}: {argument.arg}"
            annotation = eval(ast.unparse(argument.annotation), {"__builtins__": {}}, _TYPES)
            value = ast.literal_eval(default)
            fields[argument.arg] = (annotation, Field(default=value, description=docs.get(argument.arg, "")))
        return create_model(f"{self.name} options", __config__=ConfigDict(extra="forbid", frozen=True), **fields)

    def resolved(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Returns every option, those that are not given with their defaults, checked."""
        return self.options.model_validate(dict(options)).model_dump()

    def chosen(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the options that differ from their defaults, checked."""
        fields = self.options.model_fields
        return {name: value for name, value in self.resolved(options).items() if value != fields[name].default}

    def load(self) -> Any:
        module, _, attribute = self.target.partition(":")
        return getattr(importlib.import_module(module), attribute)


class Registry(Mapping[str, Component]):
    """The known components of one kind; to look up another raises ConfigError with the nearest known name."""

    def __init__(self, kind: str, targets: Mapping[str, str], component: type[Component] = Component):
        self.kind = kind
        self._components = {name: component(name, target) for name, target in targets.items()}

    def __getitem__(self, name: str) -> Component:
        if name not in self._components:
            raise ConfigError(f"Unknown {self.kind} {name!r}.{nearest(name, self._components)}")
        return self._components[name]

    def __contains__(self, name: object) -> bool:
        return name in self._components

    def __iter__(self) -> Iterator[str]:
        return iter(self._components)

    def __len__(self) -> int:
        return len(self._components)


def _argument_docs(docstring: str) -> dict[str, str]:
    """Returns the `name: text` entries of a Google-style `Args:` section."""
    section = re.search(r"^Args:\n(.*?)(?:\n\S|\Z)", inspect.cleandoc(docstring), re.DOTALL | re.MULTILINE)
    entries = re.findall(r"^    (\w+): (.*?)(?=^    \w+: |\Z)", section[1] if section else "", re.DOTALL | re.MULTILINE)
    return {name: one_line(text) for name, text in entries}
