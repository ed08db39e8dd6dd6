"""Everything that a sweep file may say is printed with its choices and its default."""

from typing import Annotated, Literal, get_args

import pytest

from harness import sweep
from harness.config.schema import SweepFile
from harness.reporting.explain import choices, explain
from models import Coherence, HeadSplit, Merge
from tests.harness.core.test_registry import EVERY


def test_explain_prints_every_field_with_its_text() -> None:
    lines = explain().splitlines()
    assert all(any(line.startswith(f"{name}: ") for line in lines) for name in SweepFile.model_fields)
    assert "seeds: One trial per cell and seed; all different. [required]" in lines
    assert any(line.strip().startswith("gpus: ") and "[a number or auto; default 0.0]" in line for line in lines)
    assert any(line.startswith("combine: ") and "[one of max, sum, mean; default" in line for line in lines)
    assert all(len(line.split(": ", 1)[1]) > 10 for line in lines)


def test_everything_is_listed_with_its_choices(capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    first_words = {line.split()[0] for line in lines}
    assert lines[lines.index(next(line for line in lines if line.startswith("  transformer "))) + 1].endswith(
        "where a sweep file names none: encoder_lr 2e-05, head_lr 0.0001"
    )
    assert {component.name for component in EVERY} | {
        *get_args(Merge),
        *get_args(HeadSplit),
        *get_args(Coherence),
    } <= first_words
    assert any(
        line.startswith("      structure = 'gcn' | 'tree_lstm'  Structure encoder that passes") for line in lines
    )


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (Literal["a", "b"], ("a", "b")),
        (float | Literal["auto"], ("auto",)),
        (Annotated[tuple[Merge, ...], "any metadata"] | None, get_args(Merge)),
        (dict[str, list[Literal[3]]], (3,)),
        (str | None, ()),
    ],
)
def test_choices_are_found_inside_any_annotation(annotation: object, expected: tuple[object, ...]) -> None:
    assert choices(annotation) == expected
