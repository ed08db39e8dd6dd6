"""Trainer settings and resources of a trial, as a sweep file sets them for all trials, a dataset or a model."""

from typing import Annotated, Literal

from pydantic import Field

from harness.config.strict import NonNegativeFloat, Positive, Strict
from harness.core.metric_names import Headline
from harness.core.registry import Component

BestEpoch = Literal["per_metric", "micro", "macro"]


def best_metric(rule: BestEpoch) -> Headline:
    """Returns the metric whose best epoch has a trial's scores, but for the macro F of `per_metric`."""
    return "macro_f1" if rule == "macro" else "micro_f1"


class TrainerSettings(Strict):
    """How a trial is trained; the defaults are the paper's framework with its intended values."""

    epochs: Positive = 100
    """Passes over the training documents, at most."""
    patience: Positive = 50
    """Epochs in which validation micro and macro F are both below their best, before stopping early."""
    batch_size: Annotated[int, Field(gt=1)] = 16
    """Documents per optimiser step."""
    encoder_lr: NonNegativeFloat | None = None
    """Peak learning rate of the text encoder; null is the encoder's own, which `--list` shows."""
    head_lr: NonNegativeFloat | None = None
    """Peak learning rate of everything behind the text encoder; null is the encoder's own."""
    weight_decay: NonNegativeFloat = 0.01
    """AdamW decay (the paper's lambda 1); biases and the weights of normalisation layers are exempt."""
    recursive_penalty: NonNegativeFloat = 1e-6
    """Weight of the recursive regularisation (the paper's lambda 2)."""
    warmup: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of all planned steps over which the learning rate rises linearly; then it falls linearly to 0."""
    clip_norm: Annotated[float, Field(gt=0)] = 1.0
    """Global L2 norm to which gradients are clipped."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Arithmetic of the forward pass; auto is bf16 on GPUs that have it, else fp32. Single precision is full on
    every device: TF32 is off."""
    select: BestEpoch = "per_metric"
    """Best-epoch rule on validation: micro from the best-micro epoch and macro from the best-macro
    epoch, or both from one of them."""
    branch_cosines: bool = False
    """Whether every epoch ends with the cosines between the gradients of the heads' losses in the text encoder:
    their mean, the least, and the share below 0. Nothing that is trained changes; a report has means over epochs."""

    def at_rates_of(self, encoder: Component) -> "TrainerSettings":
        """Returns the same with a text encoder's own learning rates where none are named."""
        own = {name: rate for name, rate in encoder.learning_rates.items() if getattr(self, name) is None}
        return self.model_copy(update=own)


class Resources(Strict):
    """What one trial occupies; never part of a trial's identity."""

    cpus: Positive = 1
    """CPU cores, and as many torch threads."""
    gpus: NonNegativeFloat | Literal["auto"] = 0.0
    """GPUs; a fraction shares one; auto measures what a trial needs of one, so that as many share it as fit, and
    is 0 where there is none."""
    time_limit_minutes: NonNegativeFloat = 0.0
    """Longest run of one trial before it counts as hung and is started again; 0 is no limit."""

    @property
    def shares_gpu(self) -> bool:
        """Whether other trials may be on the same GPU."""
        return self.gpus != "auto" and 0 < self.gpus < 1

    def alone(self) -> "Resources":
        """Returns the same with a whole GPU in place of a share of one."""
        return self.model_copy(update={"gpus": 1.0}) if self.shares_gpu else self
