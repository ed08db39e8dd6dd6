"""Labels of new texts by an exported model.

    python -m harness.predict FOLDER --text "A text."
    python -m harness.predict FOLDER --text - < article.txt
    python -m harness.predict FOLDER --input docs.csv --column body --output labels.jsonl
    python -m harness.predict FOLDER --input docs/ --output labels/ --address auto

A folder of Parquet files is predicted by many workers, here or on a Ray cluster, which sees the three folders; the same
command goes on, and leaves out what is done. Exit codes: 0 every text is predicted, 1 some files of a folder are not
(the others are written), 2 bad input, 130 interrupted.

A label is predicted above 0.5. `--rule` takes thresholds that were chosen on validation documents, `--threshold` your
own, `--top` so many of the highest labels, and `--depth-by-confidence` goes down the hierarchy while the model is sure.
"""

import argparse
import sys
from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TaskID, track

from harness.core.errors import ConfigError, DataError
from harness.core.main import run_command
from harness.core.text import is_unicode
from harness.predicting.files import predict_file
from harness.predicting.folders import Build, Outcome, Piece, predict_folder
from harness.predicting.label_tree import show
from harness.predicting.parts import Asked
from models.load import Predictor, load
from models.saved import CONFIDENT

_IF_NONE = 3
"""Labels that are shown where none is predicted."""
_REASONS = 3
"""Files without predictions whose reasons are told."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Predicts one text, all texts of a file, or those of a folder of files."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.predict", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of an exported model")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--text", help="the text; - reads it from the standard input")
    what.add_argument("--input", type=Path, help="texts: .jsonl, .csv, .tsv or .parquet, or a folder of .parquet")
    parser.add_argument("--output", type=Path, help="with --input: .jsonl, .csv or .parquet to make, or a folder")
    parser.add_argument("--column", default="text", help="with --input: column of the texts (default: text)")
    parser.add_argument(
        "--address", help="with a folder: of a running Ray cluster, such as auto or HEAD:6379; default: this machine"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--rule", default="0.5", help="0.5, validation or per_label")
    how.add_argument("--threshold", type=float, help="a threshold from 0 to below 1")
    how.add_argument("--top", type=int, help="so many labels, the highest ones")
    how.add_argument("--depth-by-confidence", action="store_true", help="labels that are sure, with all above them")
    asked = parser.parse_args(arguments)
    if (asked.input is None) != (asked.output is None):
        raise ConfigError("--input and --output go together: name the file of texts, and the one to make.")
    rule = CONFIDENT if asked.depth_by_confidence else asked.rule
    wanted = Asked(asked.column, rule, asked.threshold, asked.top)
    is_folder = asked.input is not None and asked.input.is_dir()
    if asked.address and not is_folder:
        raise ConfigError("--address is for a folder of Parquet files: name one with --input, or leave it out.")
    if is_folder:
        return _folder(asked.folder, asked.input, asked.output, wanted, asked.address)
    predictor = load(asked.folder)
    if asked.input is None:
        _one(predictor, _standard_input() if asked.text == "-" else asked.text, wanted)
        return 0
    errors = _errors()
    num, num_empty = predict_file(
        predictor,
        asked.input,
        asked.output,
        wanted,
        lambda texts: track(texts, "texts", console=errors, disable=not errors.is_terminal),
    )
    print(f"{asked.output}: {_counted(num, num_empty)}")
    return 0


def _errors() -> Console:
    return Console(file=sys.stderr)


def _counted(num: int, num_empty: int) -> str:
    return f"{num:,} texts" + (f", {num_empty:,} of them empty and without labels" if num_empty else "")


def _folder(model: Path, source: Path, output: Path, wanted: Asked, address: str | None) -> int:
    """Predicts the files of a folder on a cluster, and says what came of it."""
    predictor = load(model, "cpu")  # To refuse what cannot be asked; the workers have their own.
    on_gpu = predictor.config["kind"] == "trained"

    def spread(pieces: Sequence[Piece], build: Build) -> Generator[Piece, None, None]:
        from harness.scheduling import ray_data  # Ray, only where there is something to do

        return ray_data.run(pieces, build, address, on_gpu, [model, source, output])

    errors = _errors()
    with Progress(console=errors, disable=not errors.is_terminal) as progress:
        bar = progress.add_task("texts", total=None)
        advance = partial(_advance, progress, bar)
        outcome = predict_folder(predictor, source, output, wanted, spread, advance)
    return _concluded(outcome, output)


def _advance(progress: Progress, bar: TaskID, done: int, total: int) -> None:
    progress.update(bar, completed=done, total=total)


def _concluded(outcome: Outcome, output: Path) -> int:
    """Says what was made, and which files could not be; returns the exit code."""
    num_failed = len(outcome.failed)
    told = " ".join(list(outcome.failed.values())[:_REASONS])
    told += f" And {num_failed - _REASONS:,} more." if num_failed > _REASONS else ""
    if num_failed == outcome.num_files:
        raise DataError(f"No file could be predicted. {told}")
    num_made = outcome.num_files - outcome.num_there - num_failed
    there = f"; {outcome.num_there:,} files were there already" if outcome.num_there else ""
    print(f"{output}: {num_made:,} files, {_counted(outcome.num_texts, outcome.num_empty)}{there}")
    if num_failed:
        print(f"error: {num_failed:,} of {outcome.num_files:,} files could not be predicted. {told}", file=sys.stderr)
    return 1 if num_failed else 0


def _standard_input() -> str:
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")


def _one(predictor: Predictor, text: str, wanted: Asked) -> None:
    """Shows the labels of one text."""
    if not text.strip() or not is_unicode(text):
        raise ConfigError('The text is empty, or no Unicode text. Give one with words: --text "...".')
    (found,) = predictor.predict([text], wanted.rule, wanted.threshold, wanted.top)
    if not found:
        few = min(_IF_NONE, len(predictor.hierarchy))
        print(f"No label is predicted. The {few} highest:", file=sys.stderr)
        (found,) = predictor.predict([text], top=few)
    show(predictor.hierarchy, found, Console())


if __name__ == "__main__":
    run_command(main)
