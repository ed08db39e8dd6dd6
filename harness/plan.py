"""Says what a sweep can show before any GPU hour is spent."""

from harness.core.main import run_command
from harness.reporting.power import main

if __name__ == "__main__":
    run_command(main)
