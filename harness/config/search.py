"""Search of settings, as a sweep file says it: spaces, the budget of each row, searcher, stopper and metric."""

from collections.abc import Iterator, Mapping
from math import log
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from harness.config.strict import Positive, Seeds, Strict

Law = Literal["log_uniform", "uniform", "int", "choice"]
SearchMetric = Literal["micro", "macro", "mean"]
GROUPS = ("trainer", "encoder", "options", "objective")
"""What a searched setting may belong to: `trainer.head_lr`, `encoder.width`, `options.node_width`, `objective.tau`."""


class Dimension(Strict):
    """The values of one setting, such as `{log_uniform: [1e-3, 1e-1]}` or `{choice: [16, 32, 64]}`.

    The ends of an interval are among them.
    """

    law: Law
    """How values are drawn."""
    values: Annotated[tuple[Any, ...], Field(min_length=2)]
    """The two ends of an interval, or the values to choose from."""

    @model_validator(mode="before")
    @classmethod
    def _of_law(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.keys() == {"law", "values"}:
            return given
        if not isinstance(given, dict) or len(given) != 1 or not given.keys() <= {*get_args(Law)}:
            raise ValueError(f"write {', '.join(f'{{{law}: [...]}}' for law in get_args(Law))}")
        ((law, values),) = given.items()
        return {"law": law, "values": tuple(values) if isinstance(values, list) else values}

    @model_validator(mode="after")
    def _can_be_drawn_from(self) -> "Dimension":
        if self.law == "choice":
            if any(isinstance(value, list | dict) for value in self.values):
                raise ValueError("choose from single values")
            if len(set(map(repr, self.values))) < len(self.values):
                raise ValueError("name each value once")
            return self
        kinds = int if self.law == "int" else (int, float)
        if len(self.values) != 2 or any(isinstance(end, bool) or not isinstance(end, kinds) for end in self.values):
            raise ValueError(f"{self.law} takes two {'whole ' if self.law == 'int' else ''}numbers, the ends")
        low, high = self.values
        if not low < high or (self.law == "log_uniform" and low <= 0):
            raise ValueError("the first end is below the second" + (", and above 0" * (self.law == "log_uniform")))
        return self

    @property
    def examples(self) -> tuple[Any, ...]:
        """Values that show whether a setting can have all of them: the ends, one between them, or every choice."""
        if self.law in ("choice", "int"):
            return self.values
        low, high = self.values
        return (low, low + 0.381966 * (high - low), high)

    def at_border(self, value: Any) -> bool:
        """Returns whether a value is in the outer twentieth of an interval, on its scale; never of unordered choices.

        Of choices that are numbers, the smallest and the largest are the border.
        """
        if self.law == "choice":
            numbers = [one for one in self.values if isinstance(one, int | float) and not isinstance(one, bool)]
            return len(numbers) == len(self.values) > 2 and value in (min(numbers), max(numbers))
        return not 0.05 < self.position(value) < 0.95

    def position(self, value: Any) -> float:
        """Returns where a value lies in an interval, from 0 to 1 on the interval's scale."""
        low, high, at = (*self.values, value)
        if self.law == "log_uniform":
            low, high, at = log(low), log(high), log(at)
        return float((at - low) / (high - low))


Space = dict[str, Dimension]
"""Setting, such as `trainer.head_lr`, to its values."""


class ModelSearch(Strict):
    """What is searched of one model besides, or in place of, the shared space."""

    space: Space = {}
    """Settings of this model, such as `options.node_width`; they win over the shared ones of the same name."""
    trials: Positive | None = None
    """Budget of each of its rows; by default the shared one, which another needs `unequal: true`."""


class Search(Strict):
    """How settings are chosen, on validation documents alone, before the seeds of the report are run."""

    space: Space = {}
    """Settings of every trained model, `trainer.FIELD` or `encoder.OPTION`, each with its values, such as
    `{log_uniform: [LOW, HIGH]}` or `{choice: [A, B]}`. Those of one model stand in its entry."""
    trials: Annotated[int, Field(gt=1)] = 16
    """Budget: trials of each row on each dataset. The first has the settings of the sweep file itself."""
    hours: Annotated[float, Field(gt=0)] | None = None
    """Budget as well: a row's search also ends once its trials took so many hours together."""
    searcher: Literal["random", "optuna"] = "random"
    """How settings are drawn: independently, or by Optuna's tree-structured Parzen estimator from earlier scores."""
    stopper: Literal["none", "asha"] = "none"
    """Whether trials that fall behind are stopped early: never, or by asynchronous successive halving."""
    metric: SearchMetric = "mean"
    """Validation score that decides: micro F, macro F, or their mean."""
    seeds: Seeds = (1000,)
    """Seeds of the search's trials, taken in turn; none may be a seed of the report."""
    shared_by: Literal["none", "model"] = "none"
    """Whether each row is searched (none), or the base merge of each model for all its merges (model)."""
    unequal: bool = False
    """Allow models to have budgets of their own, or nothing to search."""

    @field_validator("metric", mode="before")
    @classmethod
    def _of_validation(cls, given: Any) -> Any:
        if isinstance(given, str) and given.startswith("test"):
            raise ValueError("settings are chosen on validation documents: micro, macro or mean")
        return given


def setting(name: str) -> tuple[str, str]:
    """Returns the group and the field of a searched setting."""
    group, _, field = name.partition(".")
    return group, field


def grouped(values: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the settings of each group that has any, by field."""
    for group in GROUPS:
        if found := {setting(name)[1]: value for name, value in values.items() if setting(name)[0] == group}:
            yield group, found
