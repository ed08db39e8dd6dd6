"""Labels of new texts by an exported model.

    python -m harness.predict FOLDER --text "A text."
    python -m harness.predict FOLDER --text - < article.txt
    python -m harness.predict FOLDER --input docs.csv --column body --output labels.jsonl

A label is predicted above 0.5. `--rule` takes thresholds that were chosen on validation documents, `--threshold` your
own, `--top` so many of the highest labels, and `--depth-by-confidence` goes down the hierarchy while the model is sure.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from harness.core.errors import ConfigError
from harness.core.main import run_command
from harness.core.text import is_unicode
from harness.predicting.files import Asked, predict_file
from harness.predicting.label_tree import show
from models.load import Predictor, load
from models.saved import CONFIDENT

_IF_NONE = 3
"""Labels that are shown where none is predicted."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Predicts one text, or all texts of a file."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.predict", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of an exported model")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--text", help="the text; - reads it from the standard input")
    what.add_argument("--input", type=Path, help="file of texts: .jsonl, .csv, .tsv or .parquet")
    parser.add_argument("--output", type=Path, help="with --input: .jsonl, .csv or .parquet to make")
    parser.add_argument("--column", default="text", help="with --input: column of the texts (default: text)")
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
    predictor = load(asked.folder)
    if asked.input is None:
        _one(predictor, _standard_input() if asked.text == "-" else asked.text, wanted)
        return 0
    errors = Console(file=sys.stderr)
    num, num_empty = predict_file(
        predictor,
        asked.input,
        asked.output,
        wanted,
        lambda texts: track(texts, "texts", console=errors, disable=not errors.is_terminal),
    )
    print(f"{asked.output}: {num:,} texts" + (f", {num_empty:,} of them empty and without labels" if num_empty else ""))
    return 0


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
