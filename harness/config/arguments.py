"""The command-line arguments that name a sweep file and narrow it."""

import argparse
from pathlib import Path


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
