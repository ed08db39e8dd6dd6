"""The command-line arguments that name a sweep file and narrow it."""

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.config.schema import SweepFile
from harness.core.errors import ConfigError
from harness.core.registry import nearest

FIELDS = ("model", "merge", "dataset", "seed")  # Fields of a trial that a filter can name.


def add_sweep(parser: argparse.ArgumentParser, optional: bool = False, with_filter: bool = True) -> None:
    """Adds the sweep file and `--filter`."""
    sweep_help = "sweep file, such as sweeps/table1.yaml"
    parser.add_argument("sweep", type=Path, nargs="?" if optional else None, help=sweep_help)
    if with_filter:
        said = "only trials that meet all of these; fields: model, merge, dataset, seed; also 'seed!=3'"
        parser.add_argument("--filter", nargs="+", action="extend", default=[], metavar="FIELD=VALUE", help=said)


def positive(text: str) -> float:
    """Returns a number above 0 that a command line gives."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError("must be above 0, and finite")
    return value


def parse_filters(sweep: SweepFile, filters: Sequence[str]) -> Mapping[str, Sequence[Any]]:
    """Returns, per field of a trial, the values that meet every `field=value` and `field!=value`.

    Raises ConfigError on a filter that is none, or that names nothing of the sweep.
    """
    chosen: dict[str, list[Any]] = {
        "model": list(sweep.models),
        "merge": list(dict.fromkeys(merge for _, merge in sweep.rows)),
        "dataset": list(sweep.datasets),
        "seed": list(dict.fromkeys(seed for model in sweep.models for seed in sweep.seeds_of(model))),
    }
    known = {field: [str(value) for value in values] for field, values in chosen.items()}
    for text in filters:
        field, operator, value = text.partition("!=" if "!=" in text else "=")
        if field not in FIELDS or not operator:
            raise ConfigError(f"The filter {text!r} is not field=value or field!=value.{nearest(field, FIELDS)}")
        if value not in known[field]:
            raise ConfigError(f"The filter {text!r} names no {field} of this sweep.{nearest(value, known[field])}")
        chosen[field] = [one for one in chosen[field] if (str(one) == value) == (operator == "=")]
    return chosen
