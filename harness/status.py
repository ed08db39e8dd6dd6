"""Says what a sweep has done, and why the rest has not run."""

from harness.core.main import run_command
from harness.reporting.status import main

if __name__ == "__main__":
    run_command(main)
