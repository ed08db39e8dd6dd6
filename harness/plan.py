"""What a sweep can show, before any GPU hour is spent.

python -m harness.plan sweeps/table1.yaml --sd 0.3 --hours 2
"""

import argparse
from collections.abc import Sequence

from harness.config.arguments import add_sweep, positive
from harness.config.load import load
from harness.core.main import run_command
from harness.reporting.power import describe
from harness.reporting.status import warn
from harness.trials.plan import Plan


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints detectable differences, the seeds that are needed, and what they cost."""
    parser = argparse.ArgumentParser(prog="python -m harness.plan", description=(__doc__ or "").partition("\n")[0])
    add_sweep(parser, with_filter=False)
    parser.add_argument("--sd", type=positive, help="standard deviation of a difference over seeds, in points")
    parser.add_argument("--hours", type=positive, help="(GPU) hours of one trial")
    chosen = parser.parse_args(arguments)
    plan = Plan.open(load(chosen.sweep))
    warn(plan)
    print(describe(plan, chosen.sd, chosen.hours))
    return 0


if __name__ == "__main__":
    run_command(main)
