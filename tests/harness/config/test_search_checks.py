"""Searches that are refused: unknown settings, values of other types, unequal budgets, seeds of the report."""

from typing import Any

import pytest

from harness.config import search_checks
from harness.config.load import load
from harness.core.errors import ConfigError
from tests.conftest import SweepWriter

SHARED = {"trainer.head_lr": {"log_uniform": [1e-3, 1e-1]}}
NARROW = {"node_width": 4, "logit_dropout": 0.0}


def own(**search: Any) -> dict[str, Any]:
    """Returns models of which one has a search of its own."""
    return {"hiagm": {"options": NARROW, "search": search}, "flat": {}}


def test_a_search_has_the_shared_space_and_what_a_model_adds(write_sweep: SweepWriter) -> None:
    models = own(space={"options.node_width": {"int": [2, 8]}, "trainer.head_lr": {"choice": [0.1, 0.2]}})
    sweep = load(write_sweep(search={"space": SHARED, "trials": 4}, models={**models, "linear": {}}))
    assert list(sweep.space_of("flat")) == ["trainer.head_lr"]
    assert sweep.space_of("hiagm")["trainer.head_lr"].law == "choice"
    assert list(sweep.space_of("hiagm")) == ["trainer.head_lr", "options.node_width"]
    assert [sweep.budget_of(model) for model in ("hiagm", "flat", "linear")] == [4, 4, 0]


def test_a_system_may_be_searched_by_its_own_options(write_sweep: SweepWriter) -> None:
    models = {"flat": {}, "nearest": {"search": {"space": {"options.neighbours": {"int": [1, 30]}}}}}
    sweep = load(write_sweep(search={"space": SHARED}, models=models))
    assert sweep.budget_of("nearest") == 16


@pytest.mark.parametrize(
    ("search", "models", "words"),
    [
        (None, own(space=SHARED), "a model's search needs the sweep's"),
        ({}, {"flat": {}}, "nothing is searched"),
        ({"space": {"trainer.head_rl": SHARED["trainer.head_lr"]}}, {"flat": {}}, "Did you mean 'head_lr'"),
        ({"space": {"head_lr": SHARED["trainer.head_lr"]}}, {"flat": {}}, "head_lr is no setting"),
        ({"space": {"options.node_width": {"int": [1, 2]}}}, {"flat": {}}, "setting of single models"),
        ({"space": {"trainer.epochs": {"uniform": [1, 9]}}}, {"flat": {}}, "valid integer; uniform draws such values"),
        ({"space": {"trainer.epochs": {"int": [0, 9]}}}, {"flat": {}}, "cannot be 0: Input should be greater than 0"),
        ({"space": {"trainer.select": {"choice": ["micro", "best"]}}}, {"flat": {}}, "cannot be 'best'"),
        ({"space": {"encoder.depth": {"int": [1, 9]}}}, {"flat": {}}, "unknown encoder setting of flat 'depth'"),
        ({"space": SHARED}, own(space={"options.node_widht": {"int": [1, 9]}}), "Did you mean 'node_width'"),
        ({"space": SHARED}, own(space={"objective.tau": {"uniform": [0, 1]}}), "unknown objective setting of hiagm"),
        ({"space": SHARED, "seeds": [7, 2]}, {"flat": {}}, "2 is a seed of the report too"),
        ({"space": SHARED, "seeds": [7, 7]}, {"flat": {}}, "seeds repeats 7"),
        ({"space": SHARED}, own(trials=32), "hiagm has 32 trials to be tuned in, and the budget of a row is 16"),
        ({}, own(space=SHARED), "flat has no trials to be tuned in, and the budget of a row is 16"),
        ({"space": SHARED}, {"flat": {}, "linear": {"search": {"space": SHARED}}}, "linear has no trainer settings"),
    ],
)
def test_a_search_that_cannot_be_made_is_refused_with_line_and_reason(
    write_sweep: SweepWriter, search: dict[str, Any] | None, models: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=rf"tiny.yaml:\d+: .*{words}"):
        load(write_sweep(models=models, **({} if search is None else {"search": search})))


def test_unequal_budgets_have_to_be_said(write_sweep: SweepWriter) -> None:
    sweep = load(write_sweep(search={"space": SHARED, "unequal": True}, models=own(trials=32)))
    assert [sweep.budget_of(model) for model in ("hiagm", "flat")] == [32, 16]


def test_a_setting_that_an_objective_wants_at_0_is_not_searched(write_sweep: SweepWriter) -> None:
    models = {"hiagm": {"options": NARROW, "objective": {"name": "max_constraint"}}}
    models["hiagm"]["search"] = {"space": {"options.logit_dropout": {"uniform": [0.0, 0.5]}}}
    with pytest.raises(ConfigError, match="options.logit_dropout has to stay 0 with the objective of hiagm"):
        load(write_sweep(search={"space": SHARED}, models=models))


def test_a_file_is_no_setting(write_sweep: SweepWriter) -> None:
    models = {"flat": {"encoder": {"name": "textrcnn"}}}
    models["flat"]["search"] = {"space": {"encoder.vectors": {"choice": ["a.txt", "b.txt"]}}}
    with pytest.raises(ConfigError, match="names what is loaded"):
        load(write_sweep(search={"space": SHARED}, models=models))


def test_a_searcher_that_is_not_installed_is_refused_with_the_command(
    write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_checks, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install optuna"):
        load(write_sweep(search={"space": SHARED, "searcher": "optuna"}))
