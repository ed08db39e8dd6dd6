"""This project's `datasets` and `models` packages stand in nobody's way, and nobody in theirs."""

import subprocess
import sys

import pytest

from tests.shared import ROOT

CHECKS = {
    "transformers": (
        "from transformers import AutoModel, BertConfig; import torch;"
        "model = AutoModel.from_config(BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2,"
        "intermediate_size=8, vocab_size=11)); print(model(torch.ones(1, 3).long()).pooler_output.shape == (1, 8))"
    ),
    "torch_geometric": (
        "from torch_geometric.nn import GCNConv; import torch;"
        "print(GCNConv(2, 3)(torch.ones(2, 2), torch.tensor([[0], [1]])).shape == (2, 3))"
    ),
    "mlflow": "from mlflow import MlflowClient; import mlflow.data; print(MlflowClient.__name__ == 'MlflowClient')",
    "ray": "from ray import tune; print(tune.grid_search([1]) == {'grid_search': [1]})",
}


@pytest.mark.parametrize("library", CHECKS)
def test_libraries_work_from_the_repository_root(library: str) -> None:
    code = f"import datasets, models; {CHECKS[library]}; print(datasets.__file__)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout.splitlines() == ["True", str(ROOT / "datasets" / "__init__.py")]


def test_only_one_file_each_knows_ray_and_mlflow() -> None:
    for library, home in (("ray", "harness/scheduling/ray_tune.py"), ("mlflow", "harness/trackers/mlflow.py")):
        users = [
            str(path.relative_to(ROOT))
            for folder in ("harness", "models", "datasets")
            for path in (ROOT / folder).rglob("*.py")
            if f"import {library}" in path.read_text("utf-8") or f"from {library}" in path.read_text("utf-8")
        ]
        assert users == [home]
