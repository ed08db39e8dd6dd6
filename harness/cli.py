"""What the entry points share: the sweep argument, the filter, and how a mistake is shown."""

import argparse
import os
import signal
import sys
import textwrap
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from datasets import READERS
from datasets.storage.card import Card
from harness.config import SweepFile
from harness.errors import DataError, UserError
from harness.plan import Plan

INTERRUPTED = 130


def add_sweep(parser: argparse.ArgumentParser, optional: bool = False, with_filter: bool = True) -> None:
    """Adds the sweep file and `--filter`."""
    parser.add_argument(
        "sweep", type=Path, nargs="?" if optional else None, help="sweep file, such as sweeps/table1.yaml"
    )
    if not with_filter:
        return
    parser.add_argument(
        "--filter",
        nargs="+",
        action="extend",
        default=[],
        metavar="FIELD=VALUE",
        help="only trials that meet all of these; fields: model, merge, dataset, seed; also 'seed!=3'",
    )


def run(main: Callable[[], int]) -> None:
    """Ends the process with the entry point's exit code: 2 on a user's mistake, 130 when interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = main()
        sys.stdout.flush()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("Interrupted. What was finished is kept; the same command goes on.", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:  # Such as `... --list | head`: nobody is reading any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def card(sweep: SweepFile, dataset: str) -> Card:
    """Returns the card of a sweep's dataset."""
    found: Card = import_module(READERS[sweep.datasets[dataset].reader or dataset].module).CARD
    return found


def refuse_missing_corpora(plan: Plan) -> None:
    """Raises DataError with one paragraph per corpus: what to get, from whom, and how to prepare it."""
    if not plan.problems:
        return
    paragraphs = []
    for dataset, problem in plan.problems.items():
        about = card(plan.sweep, dataset)
        source = "" if about.builtin else f" {about.obtain} Terms: {about.licence}"
        paragraphs.append(textwrap.fill(f"{about.title}: {problem}{source}", 110, break_long_words=False))
    names = ", ".join(plan.problems)
    raise DataError(f"{len(paragraphs)} of the sweep's corpora cannot be used: {names}.\n\n" + "\n\n".join(paragraphs))
