"""The description of a prepared corpus, read without loading Arrow: name, fingerprint, counts, checksums."""

import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from datasets import READERS
from harness.core.errors import DataError
from harness.core.files import sha256

FORMAT = 1
META, HIERARCHY, DOCUMENTS = "meta.json", "hierarchy.json", "documents.arrow"


def folder_name(name: str, options: Mapping[str, Any]) -> str:
    """Returns the folder of a corpus below the data folder, such as `eurlex57k,depth=2`.

    Args:
        name: The corpus.
        options: The options that differ from their defaults. Values that are no plain words are
            replaced by their safe characters and a short hash.
    """
    return ",".join([name, *(f"{key}={_safe(value)}" for key, value in sorted(options.items()))])


def _safe(value: object) -> str:
    text = str(value)
    safe = re.sub(r"[^A-Za-z0-9.+-]+", "_", text).strip("_")[-40:]
    return text if safe == text else f"{safe}~{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def prepare_command(folder: Path) -> str:
    """Returns the command that (again) makes the corpus of a folder, as far as its name tells."""
    name, *options = folder.name.split(",")
    if name not in READERS:
        return "python -m datasets.prepare NAME"
    return exact_command(name, dict(option.replace("~", "...").split("=", 1) for option in options), folder.parent)


def exact_command(name: str, options: Mapping[str, Any], data_dir: Path) -> str:
    """Returns the command that makes a corpus with these options, which a folder's name may have shortened."""
    words = [import_module(READERS[name].module).CARD.command]
    words += [f"--set {shlex.quote(f'{key}={value}')}" for key, value in options.items()]
    words += [] if str(data_dir) == "data" else [f"--data {shlex.quote(str(data_dir))}"]
    return " ".join(words)


def recipe(name: str) -> dict[str, str]:
    """Returns the recipe of a corpus's reader, as one of the inputs that the corpus is made from."""
    return {"recipe": str(READERS[name].recipe)} if name in READERS else {}


def made_from(meta: Mapping[str, Any]) -> dict[str, str]:
    """Returns what a prepared corpus was made from; where no recipe is written down, it was the first one."""
    return {"recipe": "1", **meta["inputs"]}


def canonical(value: object) -> bytes:
    """Returns JSON that is the same on every machine and for every key order."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def seal(meta: dict[str, Any]) -> dict[str, Any]:
    """Returns the description with a checksum of itself."""
    return {**meta, "checksum": hashlib.sha256(canonical(meta)).hexdigest()}


def damaged(folder: Path, what: str, command: str = "") -> DataError:
    """Returns the error for a corpus that cannot be trusted."""
    again = command or prepare_command(folder)
    return DataError(f"The prepared corpus {folder} is damaged: {what}. Delete it and prepare it again with `{again}`.")


def read_meta(folder: Path, command: str = "") -> dict[str, Any]:
    """Reads and checks the description of a prepared corpus.

    Cheap: the description and the hierarchy are checked by their hash, the documents by their size.

    Args:
        folder: Of the corpus.
        command: What prepares it, if the caller knows better than the folder's name.

    Raises:
        DataError: When the corpus is missing, damaged, of another format version, or out of date: of another recipe
            of its reader. A built-in corpus is not refused for that, it is made again.
    """
    again = command or prepare_command(folder)
    if not folder.is_dir():
        raise DataError(f"There is no prepared corpus at {folder}. Prepare it with `{again}`.")
    try:
        meta = json.loads((folder / META).read_bytes())
        checksum = meta.pop("checksum")
    except FileNotFoundError:
        raise damaged(folder, f"{META} is missing", again) from None
    except (ValueError, KeyError, AttributeError):
        raise damaged(folder, f"{META} cannot be read", again) from None
    if checksum != hashlib.sha256(canonical(meta)).hexdigest():
        raise damaged(folder, f"{META} does not have its checksum", again)
    if meta["format"] != FORMAT:
        raise DataError(
            f"The prepared corpus {folder} has format {meta['format']}, this version reads {FORMAT}. "
            f"Delete it and prepare it again with `{again}`."
        )
    if _is_outdated(meta):
        raise DataError(
            f"The prepared corpus {folder} is out of date: its reader makes something else of the source by now. "
            f"Delete it and prepare it again with `{again}`."
        )
    for file, stored in meta["files"].items():
        size = (folder / file).stat().st_size if (folder / file).is_file() else None
        if size != stored["bytes"]:
            state = "is missing" if size is None else f"has {size:,} bytes instead of {stored['bytes']:,}"
            raise damaged(folder, f"{file} {state}", again)
    if sha256(folder / HIERARCHY) != meta["files"][HIERARCHY]["sha256"]:
        raise damaged(folder, f"{HIERARCHY} does not have its checksum", again)
    return meta


def _is_outdated(meta: Mapping[str, Any]) -> bool:
    name, made = meta["name"], made_from(meta)
    if made == made | recipe(name):
        return False
    return not import_module(READERS[name].module).CARD.builtin
