"""Served model: an export as a function from a table of texts to a table of labels, which MLflow's server calls.

It is what MLflow calls a loader module: `_load_pyfunc` gets the folder and returns an object with `predict`.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from harness.core.errors import ConfigError, UserError
from models.load import Predictor, load

TEXT, LABELS, PATHS, VALUES = "text", "labels", "paths", "values"
PARAMETERS: dict[str, Any] = {"rule": "0.5", "threshold": -1.0, "top": 0}
"""Parameters of a request with their defaults; a negative threshold and a top of 0 ask for the rule."""


class Served:
    """Predicts the labels of a column of texts."""

    def __init__(self, predictor: Predictor):
        self.predictor = predictor

    def predict(self, texts: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Returns, for each text, its labels, their paths from the top such as `A > B`, and their values.

        An empty text has no labels.

        Args:
            texts: Column `text`.
            params: Some of `PARAMETERS`.

        Raises:
            MlflowException: If a text is none, or a parameter cannot be; the server answers 400 with what it says.
        """
        from mlflow.exceptions import INVALID_PARAMETER_VALUE, MlflowException

        try:
            found = self._predicted(texts[TEXT].tolist(), {**PARAMETERS, **(params or {})})
        except UserError as error:
            raise MlflowException(str(error), INVALID_PARAMETER_VALUE) from None
        index, path = self.predictor.hierarchy.index, self.predictor.hierarchy.path
        columns = {
            LABELS: [list(one) for one in found],
            PATHS: [[path(index[label]) for label in one] for one in found],
            VALUES: [list(one.values()) for one in found],
        }
        return pd.DataFrame(columns)

    def _predicted(self, texts: list[Any], asked: dict[str, Any]) -> list[dict[str, float]]:
        if wrong := [text for text in texts if not isinstance(text, str)]:
            raise ConfigError(f"A text is needed in the column `text`, and {wrong[0]!r} is none.")
        threshold = asked["threshold"] if asked["threshold"] >= 0 else None
        found = self.predictor.predict(texts, asked["rule"], threshold, asked["top"] or None)
        return [one if text.strip() else {} for text, one in zip(texts, found, strict=True)]


def _load_pyfunc(path: str) -> Served:
    return Served(load(Path(path)))
