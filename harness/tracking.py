"""Fills MLflow from the store."""

from harness.core.main import run_command
from harness.trackers.mlflow import main

if __name__ == "__main__":
    run_command(main)
