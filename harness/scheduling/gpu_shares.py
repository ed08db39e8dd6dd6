"""Shares of a GPU: how many trials fit onto one."""

import json
import math
from dataclasses import replace

from harness.trials.plan import PlannedTrial
from harness.trials.settings import TrialSettings

MEMORY_MARGIN = 1.2
"""Times what a trial was measured to need of a GPU that it is given: memory gets fragmented, and batches differ."""


def _is_open(planned: PlannedTrial) -> bool:
    return planned.trial.resources.gpus == "auto"


def _with_gpu(planned: PlannedTrial, gpus: float) -> PlannedTrial:
    resources = planned.trial.resources.model_copy(update={"gpus": gpus})
    return replace(planned, trial=planned.trial.model_copy(update={"resources": resources}))


def _kind(trial: TrialSettings) -> str:
    """Returns what trials that need the same memory have in common."""
    return json.dumps(trial.model_dump(exclude={"seed", "model", "dataset", "resources"}), sort_keys=True)


def gpu_share(needed: int, there: int) -> float:
    """Returns 1/k, for as many trials k (99 at most) as fit onto a GPU with the margin; 1 where not even one does.

    Args:
        needed: Bytes that a trial takes at most.
        there: Bytes of the GPU.
    """
    num = min(99, max(1, math.floor(there / (MEMORY_MARGIN * needed))))
    return math.floor(10_000 / num) / 10_000  # Ray counts in ten-thousandths, and k shares must not exceed 1.
