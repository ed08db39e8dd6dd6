"""A sweep file's fields, their defaults, and what they say of a model."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.config.load import load
from harness.config.schema import SweepFile
from tests.harness.config.sweep_files import GOOD, write


def test_defaults_and_numbers_without_a_dot(tmp_path: Path) -> None:
    sweep = load(write(tmp_path, GOOD + "trainer: {encoder_lr: 2e-5, head_lr: 1}\n"))
    assert sweep.trainer.encoder_lr == 2e-5 and sweep.trainer.head_lr == 1.0
    assert sweep.merges == ("none", "masking", "projection")
    assert sweep.models["hiagm"].options == {"node_width": 8}


def test_a_model_has_the_sweep_s_merges_and_its_kind_s_objective_unless_it_says_otherwise() -> None:
    sweep = SweepFile.model_validate(
        {
            "name": "s",
            "models": {
                "flat": {},
                "flat_dag": {"model": "flat", "objective": {"name": "max_constraint"}, "merges": ("masking",)},
                "hiagm": {},
                "hmgdn": {},
            },
            "merges": ("none", "projection"),
            "datasets": {"wos": {}},
            "seeds": (1,),
            "encoder": {"name": "bag"},
        }
    )
    assert sweep.rows == [
        *[("flat", "none"), ("flat", "projection"), ("flat_dag", "masking")],
        *[(model, merge) for model in ("hiagm", "hmgdn") for merge in ("none", "projection")],
    ]
    assert [sweep.component_of(model).name for model in sweep.models] == ["flat", "flat", "hiagm", "hmgdn"]
    assert [sweep.objective_of(model) for model in ("flat", "flat_dag")] == ["bce", "max_constraint"]
    assert [sweep.reads_hierarchy(model) for model in ("flat", "flat_dag", "hiagm")] == [False, True, True]
    assert [bool(sweep.reconstruction_of(model)) for model in sweep.models] == [False, False, False, True]


@pytest.mark.parametrize(
    "change", [{"seeds": (2**32,)}, {"name": "a b"}, {"models": {}}, {"datasets": {}}, {"stroe": "x"}, {"merges": ()}]
)
def test_a_sweep_needs_something_to_run_and_knows_no_other_field(change: dict[str, object]) -> None:
    good: dict[str, object] = {"name": "s", "models": {"flat": {}}, "datasets": {"wos": {}}, "seeds": (2**32 - 1,)}
    good["encoder"] = {"name": "bag"}
    assert SweepFile.model_validate(good).seeds == (2**32 - 1,)
    with pytest.raises(ValidationError, match=next(iter(change))):
        SweepFile.model_validate(good | change)
