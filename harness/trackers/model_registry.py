"""Model registry: an exported model in MLflow by a name and the alias `best`, as `mlflow models serve` takes it."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from harness.config.schema import SweepFile
from harness.core.environment import ROOT
from harness.trackers.mlflow import absolute, experiment
from harness.trackers.served import LABELS, PARAMETERS, PATHS, TEXT, VALUES

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

ALIAS = "best"
_CODE = ("harness", "models", "datasets")
_EXAMPLE = "A text."
_REQUIREMENTS = ROOT / "requirements.lock"


def register(sweep: SweepFile, name: str, folder: Path, title: str) -> str:
    """Logs an export to a sweep's MLflow as a new version of a model; returns its URI, `models:/NAME@best`.

    The version holds the folder, this project's code and the locked requirements, and pickles nothing.

    Args:
        sweep: Sweep file that names the tracking server.
        name: Name in the registry; no `/` and no `:`.
        folder: Folder of the export.
        title: Name for people, of the run that holds the version.
    """
    from mlflow import MlflowClient

    # MLflow warns of its own type hints and calls of pandas.
    with warnings.catch_warnings(action="ignore"):
        version = _logged(sweep, name, folder, title)
    MlflowClient(absolute(sweep.tracking)).set_registered_model_alias(name, ALIAS, version)
    return f"models:/{name}@{ALIAS}"


def _logged(sweep: SweepFile, name: str, folder: Path, title: str) -> str:
    """Logs and registers an export, and returns its version."""
    import mlflow.pyfunc
    import pandas as pd
    from mlflow import MlflowClient

    uri = absolute(sweep.tracking)
    mlflow.set_tracking_uri(uri)
    of_sweep = experiment(MlflowClient(uri), sweep)
    with mlflow.start_run(experiment_id=of_sweep, run_name=title, tags={"exported": name}):
        logged = mlflow.pyfunc.log_model(
            name="model",
            loader_module="harness.trackers.served",
            data_path=str(folder),
            code_paths=[str(ROOT / one) for one in _CODE],
            signature=_signature(),
            input_example=pd.DataFrame({TEXT: [_EXAMPLE]}),
            pip_requirements=str(_REQUIREMENTS),
            registered_model_name=name,
        )
    return str(logged.registered_model_version)


def _signature() -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import Array

    kinds = {str: DataType.string, float: DataType.double, int: DataType.long}
    texts, numbers = Array(DataType.string), Array(DataType.double)
    return ModelSignature(
        Schema([ColSpec(DataType.string, TEXT)]),
        Schema([ColSpec(texts, LABELS), ColSpec(texts, PATHS), ColSpec(numbers, VALUES)]),
        ParamSchema([ParamSpec(key, kinds[type(value)], value) for key, value in PARAMETERS.items()]),
    )
