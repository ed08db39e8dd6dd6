"""Resources of a trial: what is shared, and what a trial alone on its device occupies."""

from harness.config.trainer import Resources


def test_only_shares_are_made_whole() -> None:
    wholes = {gpus: Resources(gpus=gpus).alone().gpus for gpus in (0.0, 0.25, 1.0, 2.0, "auto")}  # type: ignore[arg-type]
    assert wholes == {0.0: 0.0, 0.25: 1.0, 1.0: 1.0, 2.0: 2.0, "auto": "auto"}
