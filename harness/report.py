"""Writes a sweep's report again, from what is stored."""

from harness.core.main import run_command
from harness.reporting.collect import main

if __name__ == "__main__":
    run_command(main)
