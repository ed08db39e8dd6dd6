"""This project's `datasets` and `models` packages stand in nobody's way, and nobody in theirs."""

import ast
import subprocess
import sys
from pathlib import Path

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
            if library in {name.partition(".")[0] for name in _imported(path)}
        ]
        assert users == [home]


def _imported(path: Path) -> set[str]:
    """Returns the modules that a file imports anywhere in it."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
