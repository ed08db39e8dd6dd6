"""Rooms of the house: who may import whom, a test file each, and no clash with libraries of the same names."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import networkx
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


MAY_IMPORT = {
    "harness.core": [],
    "datasets.storage": ["harness.core", "datasets"],
    "datasets.formats": ["harness.core", "datasets.storage"],
    "datasets.corpora": ["harness.core", "datasets.storage", "datasets.formats"],
    "datasets": ["harness.core", "datasets.storage"],
    "models.layers": ["harness.core", "models"],
    "models.objectives": ["harness.core", "models", "models.layers"],
    "models.text_encoders": ["harness.core", "models", "models.layers"],
    "models.structure_encoders": [
        "harness.core",
        "datasets.storage",
        "models",
        "models.layers",
        "models.objectives",
        "models.text_encoders",
    ],
    "models.systems": ["harness.core", "datasets.storage", "datasets.formats", "models"],
    "models": [
        "harness.core",
        "datasets.storage",
        "models.layers",
        "models.objectives",
        "models.structure_encoders",
        "models.systems",
        "models.text_encoders",
    ],
    "harness.config": ["harness.core", "datasets", "models"],
    "harness.trials": ["harness.core", "datasets", "datasets.storage", "models", "harness.config"],
    "harness.scoring": ["harness.core", "datasets.storage"],
    "harness.training": [
        "harness.core",
        "datasets.storage",
        "harness.scoring",
        "models",
        "models.text_encoders",
        "harness.config",
        "harness.trials",
    ],
    "harness.scheduling": ["harness.core", "harness.trials", "harness.training"],
    "harness.stats": ["harness.core"],
    "harness.analysis": ["harness.core", "datasets.storage", "harness.config", "harness.trials", "harness.stats"],
    "harness.reporting": [
        "harness.core",
        "harness.scoring",
        "datasets",
        "datasets.storage",
        "models",
        "harness.config",
        "harness.trials",
        "harness.stats",
        "harness.analysis",
    ],
    "harness.predicting": ["harness.core", "datasets.storage", "datasets.formats", "models"],
    "harness.trackers": ["harness.core", "harness.config", "harness.trials", "harness.analysis", "models"],
}
"""Room to the rooms that its files may import from, in the order in which data flows. A folder of its own inside a
room belongs to the room."""

DOORS = {"harness.sweep", "harness.plan", "harness.trial", "harness.status", "harness.report", "harness.tracking"}
DOORS |= {"harness.init", "harness.results", "harness.export", "harness.predict", "datasets.check"}
"""The commands. They may import anything, and nothing imports them."""

ANALYSIS_SEES_OF_TRIALS = {"harness.trials.settings"}

PACKAGES = ("harness", "models", "datasets")

WITHOUT_TESTS = {
    "harness/analysis/inputs.py": "classes that only hold what others compute",
    "harness/core/errors.py": "classes of errors, without behaviour",
    "harness/core/metric_names.py": "names",
}
"""Modules in which there is nothing to test, and why."""
WITHOUT_MODULES = {"journeys", "golden", "bench", "test_rooms.py"}
"""Tests that are of no single module."""


def _modules(root: Path) -> dict[str, Path]:
    """Returns the files of the project by dotted name; a package goes by its `__init__.py`."""
    files = [path for package in PACKAGES for path in (root / package).rglob("*.py")]
    return {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


def _imports(path: Path, known: Collection[str]) -> set[str]:
    """Returns the known modules that a file imports anywhere in it, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (names & set(known)) or {node.module}
    return found & set(known)


def _room(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if ".".join(parts[:2]) in MAY_IMPORT else parts[0]


def wrong_ways(root: Path) -> list[str]:
    """Returns a sentence for every import that runs against the table."""
    modules = _modules(root)
    found = []
    for module, path in modules.items():
        for target in sorted(_imports(path, modules) - {module}):
            one, other = _room(module), _room(target)
            if target in DOORS:
                found.append(f"{module} imports the door {target}")
            elif module in DOORS or one == other:
                continue
            elif other not in MAY_IMPORT[one]:
                found.append(f"{module} imports {target}: {one} may not import {other}")
            elif one == "harness.analysis" and other == "harness.trials" and target not in ANALYSIS_SEES_OF_TRIALS:
                found.append(f"{module} imports {target}: of trials, analysis sees settings")
    return found


def circles(root: Path) -> list[list[str]]:
    """Returns the groups of files that import each other in a circle, lazy imports included."""
    modules = _modules(root)
    graph = networkx.DiGraph((one, other) for one, path in modules.items() for other in _imports(path, modules))
    return [sorted(group) for group in networkx.strongly_connected_components(graph) if len(group) > 1]


def test_every_file_is_in_a_room_or_is_a_door() -> None:
    rooms = {_room(module) for module in set(_modules(ROOT)) - DOORS - {"harness"}}
    assert rooms == set(MAY_IMPORT)


def test_no_import_runs_against_the_flow_of_data() -> None:
    assert wrong_ways(ROOT) == []


def test_no_circles() -> None:
    assert circles(ROOT) == []


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        ("harness/stats/power.py", "import harness.config.schema", "harness.stats may not import harness.config"),
        ("harness/training/run.py", "    from harness.analysis import index", "may not import harness.analysis"),
        (
            "datasets/storage/tokens.py",
            "from models.head_spec import HeadSpec",
            "datasets.storage may not import models",
        ),
        ("harness/trials/store.py", "    from harness import sweep", "imports the door harness.sweep"),
        ("harness/analysis/index.py", "from harness.trials.store import Store", "analysis sees settings"),
    ],
)
def test_a_wrong_import_is_seen_also_inside_a_function(tmp_path: Path, file: str, line: str, said: str) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / file).open("a", encoding="utf-8") as stream:
        stream.write(f"\n\ndef late() -> None:\n{line}\n" if line.startswith(" ") else f"\n\n{line}\n")
    (found,) = wrong_ways(tmp_path)
    assert said in found


def test_maps_hold_no_code() -> None:
    """A package's `__init__.py` is a map; only those of models and datasets hold a registry too."""
    for module, path in _modules(ROOT).items():
        body = ast.parse(path.read_text("utf-8")).body if path.name == "__init__.py" else []
        assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in body), module


def test_no_file_is_longer_than_a_reader_likes() -> None:
    sizes = {module: len(path.read_text("utf-8").splitlines()) for module, path in _modules(ROOT).items()}
    assert {module: size for module, size in sizes.items() if size > 300} == {}


def without_a_twin(root: Path) -> list[str]:
    """Returns the modules that have no test file of their name at their place, and the test files without a module."""
    modules = {path.relative_to(root) for path in _modules(root).values() if path.name != "__init__.py"}
    wanted = {Path("tests", path.parent, f"test_{path.name}"): path for path in modules}
    tests = {path.relative_to(root) for path in (root / "tests").rglob("test_*.py")}
    tests = {path for path in tests if path.parts[1] not in WITHOUT_MODULES}
    lacking = [str(wanted[path]) for path in wanted.keys() - tests]
    return sorted([*lacking, *map(str, tests - wanted.keys())])


def test_every_module_has_a_test_file_of_its_name() -> None:
    assert without_a_twin(ROOT) == sorted(WITHOUT_TESTS)


def test_a_module_without_tests_and_tests_without_a_module_are_seen(tmp_path: Path) -> None:
    for name in ("models/layers/gcn.py", "models/layers/__init__.py", "harness/sweep.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name in ("harness/test_sweep.py", "models/test_gcn.py", "models/helper.py", "journeys/test_all.py"):
        (tmp_path / "tests" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tests" / name).touch()
    assert without_a_twin(tmp_path) == ["models/layers/gcn.py", "tests/models/test_gcn.py"]


def test_ray_lives_in_files_of_its_name_and_mlflow_in_one_room() -> None:
    for library, home in (("ray", "harness/scheduling/ray_"), ("mlflow", "harness/trackers/")):
        users = [
            str(path.relative_to(ROOT))
            for folder in ("harness", "models", "datasets")
            for path in (ROOT / folder).rglob("*.py")
            if library in {name.partition(".")[0] for name in _imported(path)}
        ]
        assert users and all(user.startswith(home) for user in users)


def _imported(path: Path) -> set[str]:
    """Returns the modules that a file imports anywhere in it."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
