"""Searched settings: which values they may have, and where an interval ends."""

from typing import Any

import pytest
from pydantic import ValidationError

from harness.config.search import Dimension, Search, grouped


def dimension(law: str, *values: Any) -> Dimension:
    return Dimension.model_validate({law: list(values)})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"log_uniform": [0, 1]}, "above 0"),
        ({"log_uniform": [1e-1, 1e-3]}, "the first end is below the second"),
        ({"uniform": [1, 1]}, "the first end is below the second"),
        ({"uniform": [1, 2, 3]}, "two numbers"),
        ({"uniform": [False, True]}, "two numbers"),
        ({"int": [1, 2.5]}, "two whole numbers"),
        ({"choice": [[1], [2]]}, "single values"),
        ({"choice": [16, 16]}, "once"),
        ({"choice": [16]}, "at least 2"),
        ({"loguniform": [1, 2]}, "log_uniform"),
        ({"int": [1, 2], "choice": [1, 2]}, "log_uniform"),
        ([1, 2], "log_uniform"),
    ],
)
def test_what_cannot_be_drawn_from_is_refused(given: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Dimension.model_validate(given)


def test_the_position_in_an_interval_is_on_its_own_scale() -> None:
    assert dimension("log_uniform", 1e-3, 1e-1).position(1e-2) == pytest.approx(0.5)
    assert dimension("uniform", 0, 10).position(2.5) == 0.25
    assert dimension("int", 1, 5).position(4) == 0.75


@pytest.mark.parametrize(
    ("law", "values", "inside", "border"),
    [
        ("log_uniform", (1e-4, 1e0), [2e-4, 1e-2, 0.6], [1e-4, 1.5e-4, 0.7, 1.0, 3.0]),
        ("uniform", (0.0, 1.0), [0.06, 0.94], [0.0, 0.05, 0.95, 1.0]),
        ("int", (1, 4), [2, 3], [1, 4]),
        ("choice", (16, 32, 64), [32], [16, 64]),
        ("choice", (16, 32), [16, 32], []),
        ("choice", ("sum", "mean", "max"), ["sum", "mean", "max"], []),
    ],
)
def test_a_choice_at_the_border_of_its_space_is_told(
    law: str, values: tuple[Any, ...], inside: list[Any], border: list[Any]
) -> None:
    space = dimension(law, *values)
    assert [space.at_border(value) for value in inside] == [False] * len(inside)
    assert [space.at_border(value) for value in border] == [True] * len(border)


@pytest.mark.parametrize("metric", ["test_micro", "test"])
def test_no_search_goes_by_test_documents(metric: str) -> None:
    with pytest.raises(ValidationError, match="chosen on validation documents"):
        Search.model_validate({"metric": metric})


def test_settings_go_by_what_they_belong_to() -> None:
    values = {"options.node_width": 8, "trainer.head_lr": 0.1, "trainer.epochs": 3, "encoder.width": 16}
    assert dict(grouped(values)) == {
        "trainer": {"head_lr": 0.1, "epochs": 3},
        "encoder": {"width": 16},
        "options": {"node_width": 8},
    }
