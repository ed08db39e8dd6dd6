"""Options are the keyword-only parameters of a component, as Python itself sees them."""

import inspect

import pytest

from datasets import READERS
from harness.errors import ConfigError
from harness.registry import Component, Registry
from models import STRUCTURE_ENCODERS, TEXT_ENCODERS

EVERY = [*STRUCTURE_ENCODERS.values(), *TEXT_ENCODERS.values(), *READERS.values()]


@pytest.mark.parametrize("component", EVERY, ids=lambda component: component.name)
def test_options_read_from_source_equal_the_signature(component: Component) -> None:
    parameters = inspect.signature(component.load()).parameters.values()
    expected = {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
    assert component.options().model_dump() == expected
    undocumented = [name for name, field in component.options.model_fields.items() if not field.description]
    assert undocumented == []
    assert len(component.summary) > 20


@pytest.mark.parametrize("component", [*STRUCTURE_ENCODERS.values(), *TEXT_ENCODERS.values()], ids=lambda c: c.name)
def test_models_have_a_numerics_version(component: Component) -> None:
    assert component.numerics >= 1


@pytest.mark.parametrize("component", READERS.values(), ids=lambda c: c.name)
def test_readers_have_a_recipe(component: Component) -> None:
    assert component.recipe >= 1


def test_unknown_names_answer_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Unknown model 'hitn'. Did you mean 'hitin'?"):
        STRUCTURE_ENCODERS["hitn"]
    with pytest.raises(ConfigError, match="Known: a, b."):
        Registry("thing", {"a": "x:A", "b": "x:B"})["zzzz"]
