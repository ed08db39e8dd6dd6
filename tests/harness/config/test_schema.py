"""A sweep file's fields, their defaults, and what they say of a model."""

from pathlib import Path

from harness.config.load import load
from harness.config.schema import Resources
from tests.harness.config.sweep_files import GOOD, write


def test_defaults_and_numbers_without_a_dot(tmp_path: Path) -> None:
    sweep = load(write(tmp_path, GOOD + "trainer: {encoder_lr: 2e-5, head_lr: 1}\n"))
    assert sweep.trainer.encoder_lr == 2e-5 and sweep.trainer.head_lr == 1.0
    assert sweep.merges == ("none", "masking", "projection")
    assert sweep.models["hiagm"].options == {"node_width": 8}


def test_only_shares_are_made_whole() -> None:
    wholes = {gpus: Resources(gpus=gpus).alone().gpus for gpus in (0.0, 0.25, 1.0, 2.0, "auto")}  # type: ignore[arg-type]
    assert wholes == {0.0: 0.0, 0.25: 1.0, 1.0: 1.0, 2.0: 2.0, "auto": "auto"}
