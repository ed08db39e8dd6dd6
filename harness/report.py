"""Writes a sweep's report again, from what is stored."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from harness.config.arguments import add_sweep
from harness.config.load import load
from harness.core.main import run_command
from harness.reporting import markdown
from harness.reporting.collect import collect
from harness.reporting.write import write
from harness.trials.plan import make_plan


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the report of what is stored, complete or not."""
    parser = argparse.ArgumentParser(prog="python -m harness.report", description=(__doc__ or "").partition("\n")[0])
    add_sweep(parser)
    chosen = parser.parse_args(arguments)
    sweep = load(chosen.sweep)
    plan = make_plan(sweep, chosen.filter)
    findings = collect(plan)
    print(markdown.markdown(findings) if chosen.filter else write(findings, Path(sweep.reports_dir)))
    return 1 if plan.of_state("failed") or plan.of_state("new") else 0


if __name__ == "__main__":
    run_command(main)
