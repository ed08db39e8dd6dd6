"""Description of a prepared corpus (name, fingerprint, counts, checksums), readable without Arrow."""

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
        name: Name of the corpus.
        options: Options that differ from their defaults. A value with characters that are unsafe in a file name is
            replaced by its safe characters and a short hash.
    """
    return ",".join([name, *(f"{key}={_safe(value)}" for key, value in sorted(options.items()))])


def _safe(value: object) -> str:
    text = str(value)
    safe = re.sub(r"[^A-Za-z0-9.+-]+", "_", text).strip("_")[-40:]
    return text if safe == text else f"{safe}~{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def prepare_command(folder: Path) -> str:
    """Returns the command that prepares the corpus of a folder, as far as the folder's name tells."""
    name, *options = folder.name.split(",")
    if name not in READERS:
        return "python -m datasets.prepare NAME"
    return exact_command(name, dict(option.replace("~", "...").split("=", 1) for option in options), folder.parent)


def exact_command(name: str, options: Mapping[str, Any], data_dir: Path) -> str:
    """Returns the command that prepares a corpus with these options, which its folder's name may shorten."""
    words = [import_module(READERS[name].module).CARD.command]
    words += [f"--set {shlex.quote(f'{key}={value}')}" for key, value in options.items()]
    words += [] if str(data_dir) == "data" else [f"--data {shlex.quote(str(data_dir))}"]
    return " ".join(words)


def prepared_options(name: str, options: Mapping[str, Any], data_dir: Path) -> dict[str, Any]:
    """Returns the options of the prepared corpus that is meant, so that a sweep file need not repeat them.

    It is the corpus with exactly these options, if there is one; else the only prepared corpus of this name that has
    the given options among its own. A built-in corpus always has exactly the given ones. Where no corpus is found the
    given options are returned, which the caller then reports as not prepared.

    Args:
        name: Name of the corpus.
        options: Given options, valid ones; a default that is given has to be a default of the corpus too.
        data_dir: Folder of all prepared corpora.

    Raises:
        DataError: When several corpora are meant (with the options of each), or the only one is damaged.
    """
    reader = READERS[name]
    exact = reader.chosen(options)
    if import_module(reader.module).CARD.builtin or (data_dir / folder_name(name, exact)).exists():
        return exact
    wanted, found, refused = reader.resolved(options), list[dict[str, Any]](), list[DataError]()
    for folder in sorted(data_dir.glob(f"{name},*")):
        try:
            stored = read_meta(folder)["options"]
        except DataError as error:
            refused.append(error)
            continue
        if stored.keys() <= reader.options.model_fields.keys():
            full = reader.resolved(stored)
            found += [stored] if all(full[key] == wanted[key] for key in options) else []
    if len(found) > 1:
        either = " or ".join(f"`options: {json.dumps(one)}`" for one in found)
        raise DataError(f"{data_dir} holds {len(found)} corpora {name}. Say which one is meant: {either}.")
    if refused and not found:
        raise refused[0]
    return found[0] if found else exact


def recipe_input(name: str) -> dict[str, str]:
    """Returns the recipe version of a reader, as one of the inputs of its corpus."""
    return {"recipe": str(READERS[name].recipe)} if name in READERS else {}


def recorded_inputs(meta: Mapping[str, Any]) -> dict[str, str]:
    """Returns the inputs of a prepared corpus; one that records no recipe was made by the first."""
    return {"recipe": "1", **meta["inputs"]}


def canonical_json(value: object) -> bytes:
    """Returns JSON bytes that do not depend on the machine or the order of keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def with_checksum(meta: dict[str, Any]) -> dict[str, Any]:
    """Returns the description with its own checksum added."""
    return {**meta, "checksum": hashlib.sha256(canonical_json(meta)).hexdigest()}


def damaged_error(folder: Path, what: str, command: str = "") -> DataError:
    """Returns the error for a corpus that cannot be trusted."""
    again = command or prepare_command(folder)
    return DataError(f"The prepared corpus {folder} is damaged: {what}. Delete it and prepare it again with `{again}`.")


def read_meta(folder: Path, command: str = "") -> dict[str, Any]:
    """Reads and checks the description of a prepared corpus.

    Cheap: the description and the hierarchy are checked by their hash, the documents by their size.

    Args:
        folder: Folder of the corpus.
        command: Command that prepares it, if it is known better than from the folder's name.

    Raises:
        DataError: When the corpus is missing, damaged, of another format version, or made by another recipe of its
            reader. A built-in corpus of another recipe is not refused, since it is made again.
    """
    again = command or prepare_command(folder)
    if not folder.is_dir():
        raise DataError(f"There is no prepared corpus at {folder}. Prepare it with `{again}`.")
    try:
        meta = json.loads((folder / META).read_bytes())
        checksum = meta.pop("checksum")
    except FileNotFoundError:
        raise damaged_error(folder, f"{META} is missing", again) from None
    except (ValueError, KeyError, AttributeError, TypeError):
        raise damaged_error(folder, f"{META} cannot be read", again) from None
    if checksum != hashlib.sha256(canonical_json(meta)).hexdigest():
        raise damaged_error(folder, f"{META} does not have its checksum", again)
    if meta["format"] != FORMAT:
        raise DataError(
            f"The prepared corpus {folder} has format {meta['format']}, this version reads {FORMAT}. "
            f"Delete it and prepare it again with `{again}`."
        )
    if _is_outdated(meta):
        raise DataError(
            f"The prepared corpus {folder} is out of date: its reader has changed what it makes of the source. "
            f"Delete it and prepare it again with `{again}`."
        )
    for file, stored in meta["files"].items():
        size = (folder / file).stat().st_size if (folder / file).is_file() else None
        if size != stored["bytes"]:
            state = "is missing" if size is None else f"has {size:,} bytes instead of {stored['bytes']:,}"
            raise damaged_error(folder, f"{file} {state}", again)
    if sha256(folder / HIERARCHY) != meta["files"][HIERARCHY]["sha256"]:
        raise damaged_error(folder, f"{HIERARCHY} does not have its checksum", again)
    return meta


def _is_outdated(meta: Mapping[str, Any]) -> bool:
    name, made = meta["name"], recorded_inputs(meta)
    if made == made | recipe_input(name):
        return False
    return not import_module(READERS[name].module).CARD.builtin
