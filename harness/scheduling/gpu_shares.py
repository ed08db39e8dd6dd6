"""Shares of a GPU: how many trials fit onto one."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.core.errors import UserError
from harness.trials.plan import PlannedTrial
from harness.trials.settings import TrialSettings

MEMORY_MARGIN = 1.2
"""Factor on the memory that a trial was measured to need: memory gets fragmented, and batches differ."""


_NEEDS_NO_MEMORY: Any = {
    **dict.fromkeys(("seed", "model", "dataset", "resources"), True),
    "trainer": {"epochs", "patience", "encoder_lr", "head_lr", "weight_decay", "warmup", "clip_norm", "select"},
}
"""Settings of a trial that change nothing of its memory."""


def is_open(planned: PlannedTrial) -> bool:
    """Returns whether a trial's share of a GPU is still to be measured: `gpus: auto`."""
    return planned.settings.resources.gpus == "auto"


def with_gpu(planned: PlannedTrial, gpus: float) -> PlannedTrial:
    """Returns a trial that occupies this share of a GPU, or so many GPUs."""
    resources = planned.settings.resources.model_copy(update={"gpus": gpus})
    return replace(planned, settings=planned.settings.model_copy(update={"resources": resources}))


def memory_kind(trial: TrialSettings) -> str:
    """Returns a text that is the same for all trials that need the same memory."""
    return json.dumps(trial.model_dump(exclude=_NEEDS_NO_MEMORY), sort_keys=True)


def gpu_share(needed: int, there: int) -> float:
    """Returns 1/k, for as many trials k (99 at most) as fit onto a GPU with the margin; 1 where not even one does.

    Args:
        needed: Bytes that a trial takes at most.
        there: Bytes of the GPU.
    """
    num = min(99, max(1, math.floor(there / (MEMORY_MARGIN * needed))))
    return math.floor(10_000 / num) / 10_000  # Ray counts in ten-thousandths, and k shares must not exceed 1.


def refuse_what_never_fits(trials: Sequence[PlannedTrial], nodes: Sequence[Mapping[str, float]]) -> None:
    """Raises UserError where a trial wants more than any node has: a scheduler would wait for ever.

    Args:
        trials: Trials whose share of a GPU is known.
        nodes: Resources of each node, `CPU` and `GPU` among them.
    """
    for wanted in {planned.settings.resources for planned in trials}:
        fits = [n for n in nodes if n.get("CPU", 0) >= wanted.cpus and n.get("GPU", 0) >= float(wanted.gpus)]
        if not fits:
            have = "; ".join(f"{node.get('CPU', 0):g} CPUs and {node.get('GPU', 0):g} GPUs" for node in nodes)
            raise UserError(
                f"A trial wants {wanted.cpus} CPUs and {wanted.gpus:g} GPUs, and no node has them (there are: {have}). "
                "Change `resources:` in the sweep file, or name a cluster with --address."
            )
