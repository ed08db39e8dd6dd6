"""Source code of this project, read without being run: constants, imports, numerics versions.

What can change a trial's numbers is covered by versions. A file bears `NUMERICS = {"name": version}`, or the
`__init__.py` beside it bears it for every file of the folder; the version is raised whenever a change alters numbers.
The name is no path, so that a file can be moved or renamed without any trial counting as new. Files that cannot alter
numbers say so, and why, at either place: `CHANGES_NO_NUMBER = "why"`.
"""

import ast
import importlib.util
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.core.environment import ROOT
from harness.core.errors import ConfigError


def numerics(module: str) -> dict[str, int]:
    """Returns the versions that cover a module and all of this project that it imports, directly or not, by name.

    Raises ConfigError where a file is covered by none.
    """
    found: dict[str, int] = {}
    for part, importer in reached(module).items():
        versions = _versions(part)
        if versions is None:
            chain = dict.fromkeys((module, importer or module, part))
            name = part.rpartition(".")[2].replace("_", " ")
            raise ConfigError(
                f"{_file(part).relative_to(ROOT)} can change a trial's numbers and no version covers it (imported by "
                f"way of {' > '.join(chain)}). Add `NUMERICS = {{{name!r}: 1}}` to it or, for its whole folder, to the "
                "`__init__.py` beside it; where nothing in it can change a number, `CHANGES_NO_NUMBER` with the reason."
            )
        found |= versions
    return found


def reached(module: str) -> Mapping[str, str]:
    """Returns a module and those that it imports, directly or not, each with one that imports it.

    Imports inside functions count, and so do the packages that a module is in; what only a type checker imports does
    not. Modules of other projects are not followed.
    """
    found, todo = {module: ""}, [module]
    while todo:
        importer = todo.pop()
        new = sorted(_imported(importer) - found.keys())
        found |= dict.fromkeys(new, importer)
        todo += new
    return found


def constant(tree: ast.Module, name: str) -> Any:
    """Returns the literal that a module gives a name; None where it gives none."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    return None


@cache
def parse(module: str) -> ast.Module | None:
    """Returns the source of one of this project's modules or packages; None of any other."""
    path = _file(module)
    return ast.parse(path.read_text("utf-8")) if path.is_file() else None


def _file(module: str) -> Path:
    # Not find_spec: that would import the parent package.
    place = ROOT / module.replace(".", "/")
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


@cache
def _versions(module: str) -> Mapping[str, int] | None:
    """Returns the versions that cover a module, its own before its folder's; None where there are none."""
    for place in (module, module.rpartition(".")[0]):
        tree = parse(place)
        if tree and (versions := constant(tree, "NUMERICS")):
            return dict(versions)
        if tree and constant(tree, "CHANGES_NO_NUMBER"):
            return {}
    tree = parse(module)
    assert tree is not None, f"there is no module {module}"
    defines = any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in tree.body)
    # A package of names and literals computes nothing.
    return None if defines or _file(module).name != "__init__.py" else {}


@cache
def _imported(module: str) -> frozenset[str]:
    """Returns the project's modules that one of them imports, and the packages that those are in."""
    package = module if _file(module).name == "__init__.py" else module.rpartition(".")[0]
    names = {module}
    for node in _running(parse(module) or ast.Module([], [])):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            # A name imported from a package may be a module.
            names |= {source} | {f"{source}.{alias.name}" for alias in node.names}
    parts = [name.split(".") for name in names]
    with_packages = {".".join(part[:end]) for part in parts for end in range(1, len(part) + 1)}
    return frozenset(name for name in with_packages if parse(name))


def _running(tree: ast.Module) -> Iterator[ast.AST]:
    """Yields every node of a module but those that only a type checker sees."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            todo += node.orelse
        else:
            todo += ast.iter_child_nodes(node)
