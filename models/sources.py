"""What pretrained parts are loaded from: local files and folders by content, names on the Hugging Face hub by commit.

A trial is what it loads, wherever that lies: its identity and its tokens hold the content of files, folders and
packages in place of their paths, and the commit of a hub repository in place of the branch or tag that is named. What
a name stood for when the first trial of a sweep started goes on to hold, in `store/NAME.sources.json`: a branch that
moves, a network that is down and a machine without the files change nothing of a sweep that was run.
"""

import hashlib
import importlib.util
import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.core.errors import DataError, StoreError
from harness.core.files import sha256, write_atomically
from harness.core.registry import Component

CHANGES_NO_NUMBER = "What is loaded is part of every trial's identity."

PACKAGE = "package"
"""Stands for the option of a part that comes with its weights."""
_COMMIT = re.compile("[0-9a-f]{40}")
_SECONDS = 10.0


class Sources:
    """What the names in a sweep's options stand for, found once per command.

    Args:
        path: JSON file of what they stood for before; None where nothing is kept.

    Raises:
        StoreError: If the file is damaged.
    """

    def __init__(self, path: Path | None = None):
        self._path = path
        self._kept = _read(path) if path else {}
        self._found: dict[str, str] = {}

    def resolved(self, part: Component, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Returns a part's options with commits for `revision`, and what they name here, option to SHA-256 of content.

        A branch or tag whose commit cannot be found stays as it is.
        """
        places, contents = places_of(part, options), dict[str, str]()
        for name, place in places.items():
            if found := self._content(named(part, options, name), place):
                contents[name] = found
        revision = options.get("revision")
        on_hub = [options[name] for name in places.keys() - contents.keys() if name in part.sources and revision]
        commits = [self._commit(repository, str(revision)) for repository in on_hub]
        return {**options, **({"revision": commits[0]} if commits and commits[0] else {})}, contents

    @property
    def unresolved(self) -> list[str]:
        """A sentence for each branch or tag whose commit is not known."""
        return [
            f"The commit that {name} stands for on the Hugging Face hub cannot be found, neither there nor in this "
            "machine's cache: trials are known by that name, whatever it comes to mean. Name a commit under "
            "`revision:`, or run this where the hub can be reached."
            for name, found in self._found.items()
            if not found
        ]

    def keep(self) -> None:
        """Writes down what names stand for, before a first trial depends on it."""
        known = {**self._kept, **{name: found for name, found in self._found.items() if found}}
        if self._path and known != self._kept:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, (json.dumps(known, indent=1, sort_keys=True) + "\n").encode())
            self._kept = known

    def _content(self, name: str, place: Path) -> str:
        """Returns the digest of a place, or that of an earlier time where there is none now."""
        if place.exists() and name not in self._found:
            self._found[name] = digest(place)
        return self._found.get(name) or self._kept.get(name, "")

    def _commit(self, repository: str, revision: str) -> str:
        if _COMMIT.fullmatch(revision):
            return revision
        name = f"{repository} @ {revision}"
        if name not in self._found:
            self._found[name] = self._kept.get(name) or commit_of(repository, revision)
        return self._found[name]


def places_of(part: Component, options: Mapping[str, Any]) -> dict[str, Path]:
    """Returns where a part's files are, if they are on this machine, by the option that names them."""
    places = {name: Path(options[name]).expanduser() for name in part.sources if options[name]}
    if folder := part.packages.get(part.name):
        places[PACKAGE] = folder_in_package(folder)
    return places


def named(part: Component, options: Mapping[str, Any], name: str) -> str:
    """Returns what an option of a part names, as it is said: a path, a name on the hub, or a folder in a package."""
    return part.packages[part.name] if name == PACKAGE else str(options[name])


def folder_in_package(folder: str) -> Path:
    """Returns the place of a folder inside an installed package, given as `package/folder`, without importing it."""
    package, _, inside = folder.partition("/")
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent / inside if spec and spec.origin else Path(folder)


def digest(place: Path) -> str:
    """Returns the SHA-256 of a file's content, or of the names and contents of all files in a folder.

    Files and folders whose name begins with a dot, such as what a download leaves behind, do not count. Within a
    process a file is read again only where its size, its times or its place on the disk have changed.
    """
    if place.is_file():
        return _digest(place, *stamp(place))
    files = sorted((path.relative_to(place), path) for path in place.rglob("*") if path.is_file())
    shown = {
        name.as_posix(): _digest(path, *stamp(path))
        for name, path in files
        if not any(one.startswith(".") for one in name.parts)
    }
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()


def stamp(path: Path) -> tuple[int, ...]:
    """Returns what changes of a file with its content: size, times, and place on the disk."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def checked(
    parts: Mapping[str, tuple[Component, Mapping[str, Any]]], loads: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """Returns what parts are loaded from, as facts for a record.

    Args:
        parts: Name of each part to what it is and its options.
        loads: Name of each part to the contents that were planned, see `Sources.resolved`.

    Raises:
        DataError: If a place on this machine holds something else.
    """
    for name, (part, options) in parts.items():
        for option, place in places_of(part, options).items():
            planned = loads[name].get(option)
            if planned and place.exists() and digest(place) != planned:
                raise DataError(
                    f"{place} is not what it was when the trial was planned, or not the same on this machine: its "
                    f"content has the hash {digest(place)[:12]} and not {planned[:12]}. Leave it as it is while a "
                    "sweep runs, and make it the same on every node; the same command plans anew and goes on."
                )
    said = {name: described(part, options, loads[name]) for name, (part, options) in parts.items()}
    return {f"{name} loaded from": text for name, text in said.items() if text}


def described(part: Component, options: Mapping[str, Any], contents: Mapping[str, str]) -> str:
    """Returns what a part was loaded from, in words; empty where it was from nothing."""
    said = []
    for name in places_of(part, options):
        what, revision = named(part, options, name), str(options.get("revision"))
        if name in contents:
            said.append(f"{what} (content {contents[name][:12]})")
        elif _COMMIT.fullmatch(revision):
            said.append(f"{what} (commit {revision[:12]})")
        else:
            said.append(f"{what} ({revision}, of no known commit)")
    return ", ".join(said)


def commit_of(repository: str, revision: str) -> str:
    """Returns the commit of a branch or tag on the Hugging Face hub, else in its cache here; empty where neither knows.

    `HF_HUB_OFFLINE=1` keeps it to the cache.
    """
    from huggingface_hub import HfApi, try_to_load_from_cache  # Only where a hub is named: it takes a quarter second.
    from huggingface_hub.utils import HFValidationError

    try:
        return HfApi().model_info(repository, revision=revision, timeout=_SECONDS).sha or ""
    except HFValidationError:
        return ""
    except Exception:  # No network, no such repository, no access: loading says which.
        cached = try_to_load_from_cache(repository, "config.json", revision=revision)
        return Path(cached).parent.name if isinstance(cached, str) else ""


def _read(path: Path) -> dict[str, str]:
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(
            f"What pretrained models stood for cannot be read from {path} ({error}). Put the file back from a copy; "
            "without it branches and tags are looked up anew, and trials of another commit count as not run."
        ) from None


@cache
def _digest(path: Path, *state: int) -> str:
    return sha256(path)
