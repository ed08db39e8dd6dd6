"""Runs one trial in this process: no Ray, no MLflow. This is how a trial is debugged and profiled."""

from harness.core.main import run_command
from harness.training.run import main

if __name__ == "__main__":
    run_command(main)
