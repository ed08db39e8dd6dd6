"""Command that prepares a corpus: reads its source once and stores it for all trials.

Usage:
    python -m datasets.prepare pydocs
    python -m datasets.prepare eurlex57k --source PATH --set taxonomy=domains --set depth=2
    python -m datasets.prepare table --source reviews.csv --look
    python -m datasets.prepare wos --card
"""

import argparse
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from datasets import READERS
from datasets.storage.counts import level_sizes
from datasets.storage.description import exact_command, folder_name, read_meta, recipe_input, recorded_inputs
from datasets.storage.progress import show_progress
from datasets.storage.readers import read_corpus
from harness.core.errors import ConfigError, DataError
from harness.core.files import is_disk_full
from harness.core.main import run_command
from harness.core.registry import nearest

if TYPE_CHECKING:
    from datasets.storage.corpus import Corpus


def prepare(name: str, source: Path | None, options: Mapping[str, Any], data_dir: Path) -> "Corpus":
    """Returns a prepared corpus, which is made first if it is missing.

    A built-in corpus that was made from other inputs (versions of packages, for instance) is made again. Two
    processes that prepare the same corpus take turns, so that only the first one makes it.

    Args:
        name: Name of the corpus.
        source: File or folder to read; None for a built-in or prepared corpus.
        options: Options of its reader; the others keep their defaults.
        data_dir: Folder of all prepared corpora.

    Raises:
        ConfigError: When the corpus or an option is unknown.
        DataError: When the source is missing or malformed, the prepared corpus is damaged or out of date, or the
            folder cannot be written.
    """
    from filelock import FileLock

    from datasets.storage.corpus import Corpus, write

    settings = parse_options(name, options)
    folder = corpus_folder(name, options, data_dir)
    with _os_errors(data_dir):
        if is_current(name, options, data_dir):
            return Corpus.open(folder)
        data_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(data_dir / f".{folder.name}.lock"):
            if is_current(name, options, data_dir):
                return Corpus.open(folder)
            made = read_corpus(READERS[name], source, settings.model_dump())
            return write(made, folder, name=name, options=READERS[name].chosen(settings.model_dump()))


def look(name: str, source: Path | None, options: Mapping[str, Any]) -> list[str]:
    """Returns the lines that tell how a corpus would be read; nothing is written.

    Raises:
        ConfigError: When the corpus or an option is unknown.
        DataError: When the source is missing or malformed.
    """
    from datasets.storage.preview import preview

    settings = parse_options(name, options)
    with _os_errors(Path()):
        return preview(read_corpus(READERS[name], source, settings.model_dump()))


def _without_look(name: str, source: Path | None, options: Mapping[str, Any]) -> str:
    """Returns the command that prepares what was looked at."""
    chosen = "".join(f" --set {shlex.quote(f'{key}={value}')}" for key, value in options.items())
    given = f" --source {shlex.quote(str(source))}" if source else ""
    return f"python -m datasets.prepare {name}{given}{chosen}"


@contextmanager
def _os_errors(data_dir: Path) -> Iterator[None]:
    """Turns a full disk and missing permissions into DataError."""
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise DataError(
                f"The disk of {data_dir} is full. Free some space, or name another folder with --data; nothing was "
                "left half-written."
            ) from None
        if error.filename is None:
            raise
        raise DataError(f"{error.filename} cannot be used: {error.strerror}. Check path and permissions.") from None


def is_current(name: str, options: Mapping[str, Any], data_dir: Path) -> bool:
    """Returns whether the corpus is prepared from the current inputs. Does not load Arrow.

    Raises:
        DataError: When the prepared corpus is damaged, or out of date and not built-in.
    """
    folder = corpus_folder(name, options, data_dir)
    if not folder.exists():
        return False
    made, module = recorded_inputs(read_meta(folder)), _module(name)
    more = module.inputs(parse_options(name, options).model_dump()) if hasattr(module, "inputs") else {}
    return made == recipe_input(name) | more


def corpus_folder(name: str, options: Mapping[str, Any], data_dir: Path) -> Path:
    """Returns the folder of a corpus with these options, prepared or not."""
    return data_dir / folder_name(name, READERS[name].chosen(parse_options(name, options).model_dump()))


def parse_options(name: str, options: Mapping[str, Any]) -> BaseModel:
    """Returns all options of a reader, validated; strings such as `2` are converted to the option's type.

    Raises:
        ConfigError: When the corpus or an option is unknown, or a value is invalid.
    """
    model = READERS[name].options
    for key in options:
        if key not in model.model_fields:
            known = nearest(key, model.model_fields) if model.model_fields else " It has no options."
            raise ConfigError(f"{name} has no option {key!r}.{known}")
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{name}: option {first['loc'][0]} = {first['input']!r}: {first['msg']}.") from None


def parse_assignments(pairs: Iterable[str]) -> dict[str, str]:
    """Returns the options in the `KEY=VALUE` arguments of `--set`.

    Raises:
        ConfigError: When an argument has no `=`.
    """
    pairs = list(pairs)
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise ConfigError(f"--set {wrong[0]}: KEY=VALUE is needed, for example --set depth=2.")
    return dict(pair.split("=", 1) for pair in pairs)


def _module(name: str) -> ModuleType:
    return import_module(READERS[name].module)


def _describe(corpus: "Corpus") -> str:
    counts = corpus.meta["counts"]
    splits = " / ".join(f"{size:,}" for size in counts["splits"].values())
    levels = level_sizes([level["labels"] for level in counts["levels"]])
    lines = [
        f"corpus       {corpus.folder}",
        f"fingerprint  {corpus.fingerprint}",
        f"documents    {counts['documents']:,} (train / val / test: {splits})",
        f"labels       {counts['labels']:,} ({levels} per level), {len(counts['branches']):,} branches, "
        f"{counts['labels_per_document']:.2f} a document",
        f"             {counts['labels_without_training_documents']:,} labels without training documents, "
        f"{counts['documents_without_labels']:,} documents without labels, "
        f"{counts['documents_not_closed']:,} documents closed over ancestors here",
    ]
    prepared_by = exact_command(corpus.name, corpus.meta["options"], corpus.folder.parent)
    check = prepared_by.replace("datasets.prepare", "datasets.check").replace(" --source PATH", "")
    return "\n".join([*lines, *(f"note         {note}" for note in corpus.notes), f"check it     {check}"])


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m datasets.prepare", description="Prepares a corpus.")
    parser.add_argument("name", metavar="NAME", help=f"one of {', '.join(READERS)}")
    parser.add_argument("--source", type=Path, help="the file or folder to read, see `--card`")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the reader")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of prepared corpora (data)")
    parser.add_argument("--look", action="store_true", help="print how the source would be read, and write nothing")
    parser.add_argument("--card", action="store_true", help="print what the corpus is and where to get it, and stop")
    return parser.parse_args(arguments)


def _card(name: str) -> str:
    lines = [_module(name).CARD.render()]
    for key, field in READERS[name].options.model_fields.items():
        lines += ["", "Options:"] if len(lines) == 1 else []
        lines.append(f"  {key}={field.default}  {field.description}")
    return "\n".join(lines)


def _run(arguments: argparse.Namespace) -> None:
    if arguments.card:
        print(_card(arguments.name))
        return
    options = parse_assignments(arguments.set)
    if arguments.look:
        print("\n".join(look(arguments.name, arguments.source, options)))
        print(f"\nNothing was written. To prepare it: {_without_look(arguments.name, arguments.source, options)}")
        return
    if is_current(arguments.name, options, arguments.data):
        folder = corpus_folder(arguments.name, options, arguments.data)
        print(f"Already prepared; delete {folder} to prepare it again.", file=sys.stderr)
    with show_progress():
        corpus = prepare(arguments.name, arguments.source, options, arguments.data)
    print(_describe(corpus))


def main(arguments: list[str] | None = None) -> int:
    """Prepares a corpus, shows how it would be read, or prints its card."""
    _run(_arguments(arguments))
    return 0


if __name__ == "__main__":
    run_command(main)
