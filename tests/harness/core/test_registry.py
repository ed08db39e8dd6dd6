"""Options are the keyword-only parameters of a component, as Python itself sees them."""

import importlib
import inspect
from typing import get_args

import pytest

from datasets import READERS
from datasets.storage.readers import SELECTION
from harness.config.load import load
from harness.core.environment import ROOT
from harness.core.errors import ConfigError
from harness.core.registry import Component, Registry
from models import OBJECTIVES, STRUCTURE_ENCODERS, SYSTEMS, TEXT_ENCODERS, Coherence

MODELS = [*STRUCTURE_ENCODERS.values(), *OBJECTIVES.values(), *TEXT_ENCODERS.values()]
EVERY = [*MODELS, *SYSTEMS.values(), *READERS.values()]


@pytest.mark.parametrize("component", EVERY, ids=lambda component: component.name)
def test_options_read_from_source_equal_the_signature(component: Component) -> None:
    loaded = [component.load(), *([SELECTION.load()] if component.name in READERS else [])]
    parameters = [one for function in reversed(loaded) for one in inspect.signature(function).parameters.values()]
    expected = {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
    assert component.options().model_dump() == expected
    undocumented = [name for name, field in component.options.model_fields.items() if not field.description]
    assert undocumented == []
    assert len(component.summary) > 20


@pytest.mark.parametrize("component", MODELS, ids=lambda c: c.name)
def test_numerics_hold_what_the_module_says(component: Component) -> None:
    own = importlib.import_module(component.module).NUMERICS
    assert own.items() <= component.numerics.items()
    # `minilm` is a `transformer` with weights of its own; everything else has a version under its name.
    assert set(own) == {"transformer" if component.name == "minilm" else component.name}


@pytest.mark.parametrize("encoder", TEXT_ENCODERS.values(), ids=lambda c: c.name)
def test_a_text_encoder_has_both_learning_rates(encoder: Component) -> None:
    assert list(encoder.learning_rates) == ["encoder_lr", "head_lr"] and min(encoder.learning_rates.values()) > 0


def test_what_is_loaded_is_named_by_options_of_that_type() -> None:
    found = {component.name: component.sources for component in MODELS if component.sources}
    assert found == {name: ("vectors",) for name in ("lstm", "textrcnn")} | {
        name: ("model",) for name in ("transformer", "seq2seq")
    }
    assert {component.name for component in MODELS if component.name in component.packages} == {"minilm"}


@pytest.mark.parametrize("component", READERS.values(), ids=lambda c: c.name)
def test_readers_have_a_recipe(component: Component) -> None:
    assert component.recipe >= 1


@pytest.mark.parametrize("component", OBJECTIVES.values(), ids=lambda c: c.name)
def test_an_objective_has_a_coherence(component: Component) -> None:
    assert component.default_coherence in get_args(Coherence)


@pytest.mark.parametrize("component", STRUCTURE_ENCODERS.values(), ids=lambda c: c.name)
def test_a_model_has_an_objective_and_refuses_what_there_is(component: Component) -> None:
    assert component.default_objective in OBJECTIVES
    assert set(component.refuses) <= {"none", "masking", "projection", "objective"}
    assert all(len(reason) > 20 for reason in component.refuses.values())


@pytest.mark.parametrize("component", MODELS, ids=lambda c: c.name)
def test_a_reconstruction_says_so_where_it_is_listed(component: Component) -> None:
    assert component.summary.startswith("Reconstruction of ") == bool(component.reconstruction)


@pytest.mark.parametrize("component", OBJECTIVES.values(), ids=lambda c: c.name)
def test_an_objective_refuses_options_that_there_are(component: Component) -> None:
    known = {name for model in STRUCTURE_ENCODERS.values() for name in model.options.model_fields}
    assert set(component.refuses_options) <= known


def test_the_zoo_has_everything_that_needs_no_weights_from_elsewhere() -> None:
    zoo = load(ROOT / "sweeps" / "zoo.yaml")
    assert {zoo.component_of(key).name for key in zoo.models if not zoo.is_system(key)} == set(STRUCTURE_ENCODERS)
    assert {zoo.objective_of(key) for key in zoo.models} == set(OBJECTIVES)
    encoders = {zoo.encoder.name} | {entry.encoder.name for entry in zoo.models.values() if entry.encoder}
    assert set(TEXT_ENCODERS) - encoders == {"minilm", "transformer"}


def test_unknown_names_answer_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Unknown model 'hitn'. Did you mean 'hitin'?"):
        STRUCTURE_ENCODERS["hitn"]
    with pytest.raises(ConfigError, match="Known: a, b."):
        Registry("thing", {"a": "x:A", "b": "x:B"})["zzzz"]
