"""Begins a sweep on your own table: prepares the corpus and writes a first sweep file, with comments.

    python -m harness.init mine --data my.csv
    python -m harness.init mine --data my.csv --set text=body --set labels=l1,l2,l3

The table is read as `python -m datasets.prepare table` reads it, with the same options; `--card` there lists them.
"""

import argparse
import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from datasets import READERS
from datasets.prepare import corpus_folder, look, parse_assignments, parse_options, prepare
from datasets.storage.corpus import Corpus
from datasets.storage.description import read_meta
from datasets.storage.progress import show_progress
from harness.config.load import load
from harness.config.starter import Facts, starter, valid_name
from harness.core.errors import ConfigError, DataError
from harness.core.files import write_atomically
from harness.core.main import run_command
from harness.core.text import listed
from harness.trials.plan import Plan

_READER = "table"
_LOOKED_AT = 2_000
"""Training texts of which words are counted."""
_WORD = re.compile(r"\w+")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepares the corpus, writes the sweep file, and says what to type next."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.init", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder to be made: sweep file, corpus, and later all results")
    parser.add_argument("--data", type=Path, required=True, help="the table, or a folder with one for each split")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the reader")
    chosen = parser.parse_args(arguments)
    print("\n".join(begin(chosen.folder, chosen.data, parse_assignments(chosen.set))))
    return 0


def begin(folder: Path, data: Path, options: Mapping[str, str]) -> list[str]:
    """Prepares a corpus in a folder and writes `sweep.yaml` beside it.

    Args:
        folder: Folder of the sweep; what is in it stays as it is.
        data: The table, as a file or a folder.
        options: Options of the reader `table`, as text.

    Returns:
        The lines to print: how the table was read, what was written, and the next commands.

    Raises:
        ConfigError: When an option is unknown, or something is in the way.
        DataError: When the table cannot be used. Nothing is left behind then.
    """
    path = folder / "sweep.yaml"
    _refuse_what_is_in_the_way(folder, path)
    with show_progress():
        seen = look(_READER, data, options)
        _refuse_another_corpus(corpus_folder(_READER, options, folder / "data"), seen, data)
        with _undone_on_failure(folder, folder / "data"):
            corpus = prepare(_READER, data, options, folder / "data")
            _refuse_if_all_are_alike(corpus, data)
            written = READERS[_READER].chosen(parse_options(_READER, options).model_dump())
            name, dataset = valid_name(_name(folder), "mine"), valid_name(_stem(data), "data")
            _write(path, starter(str(folder), name, dataset, written, facts(corpus)))
    num_trials = len(Plan.open(load(path)).trials)
    return [*seen, "", f"Corpus:  {corpus.folder}", f"Sweep:   {path}, {num_trials} trials", *_next(path, name)]


def _refuse_what_is_in_the_way(folder: Path, path: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file, and has to be a folder, or nothing yet. Name another one.")
    if path.exists():
        raise ConfigError(
            f"There is a sweep file {path} already, and it is never overwritten. Run it with `{_command(path)}`, or "
            "name another folder; to begin anew here, move the file away first."
        )


def _refuse_another_corpus(prepared: Path, seen: Sequence[str], data: Path) -> None:
    """Raises ConfigError where a corpus of other files is in the way; the notes hold the checksums of files."""
    if prepared.exists() and any(f"note         {note}" not in seen for note in read_meta(prepared)["notes"]):
        raise ConfigError(
            f"{prepared} was prepared from something else than {data} is now. Delete it if nothing needs it, or name "
            "another folder."
        )


def _refuse_if_all_are_alike(corpus: Corpus, data: Path) -> None:
    counts = corpus.meta["counts"]
    if sum(level["uses"] for level in counts["levels"]) == counts["documents"] * counts["labels"]:
        raise DataError(
            f"Every document of {data} has the same labels ({listed(corpus.hierarchy.labels)}), so that there is "
            "nothing to learn. Name the columns of the labels with `--set labels=...`."
        )


def _write(path: Path, text: str) -> None:
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}. Check permissions and space.") from None


@contextmanager
def _undone_on_failure(*folders: Path) -> Iterator[None]:
    """Removes those of some folders that were not there before, where what is done in them fails."""
    new = [folder for folder in folders if not folder.exists()]
    try:
        yield
    except BaseException:
        for folder in new:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def facts(corpus: Corpus) -> Facts:
    """Returns what of a prepared corpus the settings go by; words are those of up to 2,000 training texts."""
    counts, rows = corpus.meta["counts"], corpus.training_rows()
    looked_at = rows[:: -(-len(rows) // _LOOKED_AT)]
    lengths = [[len(word) for word in _WORD.findall(text)] for text in corpus.texts(looked_at)]
    return Facts(
        num_train=counts["splits"]["train"],
        num_val=counts["splits"]["val"],
        num_test=counts["splits"]["test"],
        num_labels=counts["labels"],
        num_branches=len(corpus.hierarchy.branch_roots),
        depth=len(counts["levels"]),
        num_words=int(np.quantile([len(words) for words in lengths], 0.9, method="higher")),
        word_length=sum(map(sum, lengths)) / max(sum(map(len, lengths)), 1),
        notes=corpus.notes,
    )


def _name(folder: Path) -> str:
    return os.path.basename(os.path.abspath(folder))


def _stem(data: Path) -> str:
    return Path(_name(data).removesuffix(".gz").removesuffix(".zst")).stem


def _command(path: Path, door: str = "sweep") -> str:
    return f"python -m harness.{door} {shlex.quote(str(path))}"


def _next(path: Path, name: str) -> list[str]:
    report = path.parent / "reports" / f"{name}.md"
    commands = {
        f"{_command(path)} --dry-run": "what would run, and what it could show",
        _command(path): f"run it, or go on with it, to {report}",
        _command(path, "report"): "the report again, from what is stored",
    }
    width = max(map(len, commands))
    return ["", "Next:", *(f"    {command:<{width}}    # {what}" for command, what in commands.items())]


if __name__ == "__main__":
    run_command(main)
