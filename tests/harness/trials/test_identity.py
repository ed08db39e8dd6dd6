"""A trial's identity means its numbers: no move of a file changes it, and every part that computes does."""

import ast
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.config.load import load
from harness.core.registry import Component
from harness.core.source import constant, reached
from harness.trials.identity import RUNNER, identity
from harness.trials.plan import Plan
from harness.trials.settings import NOT_IDENTITY, FittedSettings, TrainedSettings, TrialSettings, expand
from models import OBJECTIVES, STRUCTURE_ENCODERS, SYSTEMS, TEXT_ENCODERS
from tests.conftest import SweepWriter
from tests.shared import ROOT

PACKAGES = ("harness", "models", "datasets")
TRAINED, FITTED = TrainedSettings.kind, FittedSettings.kind
RUNNERS = (RUNNER, TRAINED, FITTED)
CHOSEN = [part for parts in (TEXT_ENCODERS, STRUCTURE_ENCODERS, OBJECTIVES, SYSTEMS) for part in parts.values()]
PARTS = [*RUNNERS, *CHOSEN]
DIGEST = "6b17658a3ab8abc6"
"""Of the identities of every trained trial of every sweep file, were the fingerprint of all corpora `x`. It changed
last when the zoo got a row."""
IDENTITIES = """
import json
from pathlib import Path
from harness.config.load import load
from harness.trials.identity import identity
from harness.trials.settings import expand
trials = [trial for path in sorted(Path("sweeps").glob("*.yaml")) for trial in expand(load(path))]
print(json.dumps([identity(trial, "x") for trial in trials]))
"""
NUMERICS = """
from harness.core.errors import ConfigError
from harness.trials.settings import TrainedSettings
from models import STRUCTURE_ENCODERS
for part in (TrainedSettings.kind, STRUCTURE_ENCODERS["hiagm"]):
    try:
        print(sorted(part.numerics.items()))
    except ConfigError as error:
        print(error)
"""
MOVES = {
    # A helper, a helper to another room, a registered part, a part of the runner, two rooms.
    "models.layers.gcn": "models.layers.graph_convolution",
    "models.layers.dropout": "models.noise",
    "models.structure_encoders.hiagm": "models.structure_encoders.label_graph",
    "harness.scoring.metrics": "harness.training.tallies",
    "harness.training": "harness.learning",
    "datasets.storage": "datasets.shelves",
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project's packages and sweep files."""
    for folder in (*PACKAGES, "sweeps"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def answer(code: str, folder: Path, *arguments: str) -> str:
    """Runs code in a process of its own on the packages in a folder, and returns what it prints."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder).stdout


def names(trial: TrialSettings) -> frozenset[str]:
    """Returns the names of the parts of a trial."""
    return frozenset(part.name for part in trial.components)


def identities() -> list[str]:
    trials = [trial for path in sorted((ROOT / "sweeps").glob("*.yaml")) for trial in expand(load(path))]
    return [identity(trial, "x") for trial in trials]


def test_no_identity_changes_unawares() -> None:
    trials = [trial for path in sorted((ROOT / "sweeps").glob("*.yaml")) for trial in expand(load(path))]
    found = [identity(trial, "x") for trial in trials if isinstance(trial, TrainedSettings)]
    assert (len(found), hashlib.sha256("".join(found).encode()).hexdigest()[:16]) == (1993, DIGEST)


def test_moving_and_renaming_files_changes_no_identity(copy: Path) -> None:
    for old, new in MOVES.items():
        for path in copy.rglob("*.py"):
            text = path.read_text("utf-8")
            path.write_text(re.sub(rf"\b{re.escape(old)}\b", new, text), "utf-8")
        source, target = (copy / name.replace(".", "/") for name in (old, new))
        source, target = (source, target) if source.is_dir() else (Path(f"{source}.py"), Path(f"{target}.py"))
        source.rename(target)
    code = "import models.structure_encoders.label_graph, models.layers.graph_convolution, models.noise" + IDENTITIES
    assert json.loads(answer(code, copy)) == identities()


@pytest.mark.parametrize(
    ("file", "concerned"),
    [
        ("models/layers/gcn.py", lambda trial: bool(names(trial) & {"hiagm", "hiagm_la", "himatch"})),
        ("models/classifier.py", lambda trial: isinstance(trial, TrainedSettings)),
        ("harness/training/fitted.py", lambda trial: isinstance(trial, FittedSettings)),
        ("datasets/storage/__init__.py", lambda trial: True),
    ],
)
def test_a_raised_version_changes_the_identities_of_those_that_run_it(
    copy: Path, file: str, concerned: Callable[[TrialSettings], bool]
) -> None:
    path = copy / file
    text, count = re.subn(r"^(NUMERICS = .*): (\d+)}", r"\1: 99}", path.read_text("utf-8"), flags=re.MULTILINE)
    assert count == 1
    path.write_text(text, "utf-8")
    trials = [trial for one in sorted((ROOT / "sweeps").glob("*.yaml")) for trial in expand(load(one))]
    changed = {
        names(trial)
        for trial, old, new in zip(trials, identities(), json.loads(answer(IDENTITIES, copy)), strict=True)
        if old != new
    }
    assert changed == {names(trial) for trial in trials if concerned(trial)}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_all_that_is_reached_is_covered_and_nothing_of_what_comes_after(part: Component) -> None:
    modules = set(reached(part.module))
    assert min(part.numerics.values()) >= 1, "every file that is reached is covered, or this would have raised"
    rooms = {".".join(module.split(".")[:2]) for module in modules if module.startswith("harness.")}
    assert rooms <= {"harness.core", "harness.config", "harness.trials", "harness.scoring", "harness.training"}
    assert ("harness.training" in rooms) == (part in RUNNERS)
    read_by = {part for part in CHOSEN if any(module.startswith("datasets.formats") for module in reached(part.module))}
    assert not any(module.startswith("datasets.corpora") for module in modules) and read_by <= {SYSTEMS["imported"]}


def test_all_that_python_imports_is_reached() -> None:
    code = """
import importlib, json, sys
loaded = {}
for part in sys.argv[1:]:
    for module in [name for name in sys.modules if name.partition(".")[0] in ("harness", "models", "datasets")]:
        del sys.modules[module]
    importlib.import_module(part)
    loaded[part] = list(sys.modules)
print(json.dumps(loaded))
"""
    loaded = json.loads(answer(code, ROOT, *(part.module for part in PARTS)))
    for part, modules in loaded.items():
        ours = {module for module in modules if module.partition(".")[0] in PACKAGES}
        assert part in ours and ours <= set(reached(part))


def test_a_change_of_one_model_leaves_the_trials_of_others_alone() -> None:
    own = {name for part in CHOSEN for name in part.numerics} - set(TRAINED.numerics)
    assert {"hiagm", "hitin", "bag", "gcn", "coding tree", "champ"} <= own
    assert {"training", "branch heads", "classifier", "head specs", "corpus and tokens"} <= set(TRAINED.numerics)


def test_a_change_of_what_trains_leaves_what_is_fitted_alone() -> None:
    shared = set(FITTED.numerics) | set(RUNNER.numerics)
    assert not {"branch heads", "classifier", "head specs"} & shared


def test_a_name_is_that_of_one_file() -> None:
    names: Counter[str] = Counter()
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        names.update(list(constant(ast.parse(path.read_text("utf-8")), "NUMERICS") or {}))
    assert [name for name, count in names.items() if count > 1] == []
    parts = dict(pair for part in PARTS for pair in part.numerics.items())
    # Only the model to copy is not run by anything that is registered.
    assert set(names) - set(parts) == {"template"}


@pytest.mark.parametrize(
    ("importer", "statement"),
    [
        ("models/layers/gcn.py", "from models.layers.shortcut import double\n"),
        ("models/layers/gcn.py", "def lazily():\n    from models.layers import shortcut\n    return shortcut\n"),
        ("harness/training/train.py", "def lazily():\n    import models.layers.shortcut as it\n    return it\n"),
    ],
)
def test_a_new_helper_without_a_version_stops_whoever_runs_it(copy: Path, importer: str, statement: str) -> None:
    (copy / "models/layers/shortcut.py").write_text("def double(x):\n    return 2 * x\n", "utf-8")
    path = copy / importer
    path.write_text(path.read_text("utf-8") + statement, "utf-8")
    runner, hiagm = answer(NUMERICS, copy).splitlines()
    refused, other, own = (
        (runner, hiagm, TRAINED) if "training" in importer else (hiagm, runner, STRUCTURE_ENCODERS["hiagm"])
    )
    module = importer.removesuffix(".py").replace("/", ".")
    assert refused == (
        "models/layers/shortcut.py can change a trial's numbers and no version covers it (imported by way of "
        f"{own.module} > {module} > models.layers.shortcut). Add `NUMERICS = {{'shortcut': 1}}` to it or, for its "
        "whole folder, to the `__init__.py` beside it; where nothing in it can change a number, `CHANGES_NO_NUMBER` "
        "with the reason."
    )
    assert other.startswith("[(")


def test_identity_ignores_names_and_resources_and_nothing_else(write_sweep: SweepWriter) -> None:
    trial = expand(load(write_sweep()))[0]
    assert isinstance(trial, TrainedSettings)
    before = identity(trial, "f")
    changes: dict[str, object] = {
        "model": "renamed",
        "dataset": "renamed",
        "resources": trial.resources.model_copy(update={"cpus": 7, "time_limit_minutes": 3.0}),
        "merge": "masking",
        "seed": 99,
        "structure": "flat",
        "objective": "max_constraint",
        "objective_options": {"tau": 1.0},
        "coherence": "max_constraint",
        "structure_options": {**trial.structure_options, "node_width": 5},
        "encoder": "minilm",
        "loads": {"encoder": {"width": "0" * 64}, "structure": {}},
        "encoder_options": {**trial.encoder_options, "dropout": 0.2},
        "combine": "sum",
        "branch_reduction": "mean_local",
        "split": "random",
        "foreign_rows": True,
        "priors": "train",
        "corpus": "elsewhere",
        "train_documents": 5,
        "trainer": trial.trainer.model_copy(update={"epochs": 3}),
    }
    assert changes.keys() == TrainedSettings.model_fields.keys()
    for field, value in changes.items():
        changed = identity(trial.model_copy(update={field: value}), "f")
        assert (changed == before) == (field in NOT_IDENTITY), field
    assert identity(trial, "g") != before


def test_identity_follows_the_numerics_version(write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.core.registry import Component

    trial = expand(load(write_sweep()))[0]
    before = identity(trial, "f")
    for module in ("training", "gcn", "bag"):
        monkeypatch.setattr(Component, "numerics", property(lambda self, raised=module: {raised: 2}))
        assert identity(trial, "f") != before


def test_identity_reads_each_source_file_once(write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    cells, later = expand(load(write_sweep(seeds=[0]))), expand(load(write_sweep(seeds=list(range(1, 50)))))
    assert len({identity(trial, "f") for trial in cells}) == len(cells) == 4
    monkeypatch.setattr(ast, "parse", lambda source: pytest.fail("read again"))
    for trial in later:
        identity(trial, "f")


def test_what_cannot_change_a_trial_does_not_name_it(write_sweep: SweepWriter) -> None:
    def keys(**changes: object) -> dict[tuple[str, int], str]:
        plan = Plan.open(load(write_sweep(models={"flat": {}}, **changes)))
        return {(one.settings.merge, one.settings.seed): one.key for one in plan.trials}

    paper, summed = keys(), keys(combine="sum")
    assert paper["none", 1] == summed["none", 1] and paper["projection", 1] != summed["projection", 1]
    assert keys(branch_reduction="mean_local") == paper, "what the paper does under projection"
    assert keys(branch_reduction="mean_global")["none", 1] == paper["none", 1]
    default = keys(datasets={"synthetic": {"options": {"documents": 600, "roots": 4}}})
    assert default == paper, "an option at its default is the same corpus"


def test_a_split_without_branches_is_the_base_model(write_sweep: SweepWriter) -> None:
    models = {split: {"model": "flat", "split": split} for split in ("hierarchy", "random", "copies")}
    plan = Plan.open(load(write_sweep(models=models, seeds=[1])))
    keys = {(one.settings.model, one.settings.merge): one.key for one in plan.trials}
    assert len({keys[split, "none"] for split in models}) == 1
    assert len({keys[split, "projection"] for split in models}) == 3


def test_foreign_rows_name_masked_trials_only(write_sweep: SweepWriter) -> None:
    models = {key: {"model": "flat", "foreign_rows": key == "literal"} for key in ("plain", "literal")}
    plan = Plan.open(load(write_sweep(models=models, merges=["none", "masking", "projection"], seeds=[1])))
    keys = {(one.settings.model, one.settings.merge): one.key for one in plan.trials}
    same = {merge: keys["plain", merge] == keys["literal", merge] for merge in ("none", "masking", "projection")}
    assert same == {"none": True, "masking": False, "projection": True}


def test_two_cells_may_be_one_trial(write_sweep: SweepWriter) -> None:
    models = {"hiagm": {}, "wide": {"model": "hiagm", "options": {"node_width": 300}}}
    plan = Plan.open(load(write_sweep(models=models)))
    assert len(plan.trials) == 8 and len({planned.key for planned in plan.trials}) == 4


def local(write_sweep: SweepWriter, folder: Path) -> str:
    encoder = {"name": "transformer", "options": {"model": str(folder)}}
    return Plan.open(load(write_sweep(encoder=encoder))).trials[0].key


def test_a_local_encoder_is_its_content_wherever_it_lies(write_sweep: SweepWriter, tmp_path: Path) -> None:
    folder, moved = tmp_path / "bert", tmp_path / "elsewhere" / "model"
    (folder / "parts").mkdir(parents=True)
    (folder / "parts" / "model.safetensors").write_text("a")
    first = local(write_sweep, folder)
    shutil.copytree(folder, moved)
    (moved / ".cache").mkdir()
    (moved / ".cache" / "when").write_text("downloaded today")
    assert local(write_sweep, moved) == first
    (folder / "parts" / "model.safetensors").write_text("b")
    assert local(write_sweep, folder) != first, "also in the same process, and in a folder of the folder"


def test_a_folder_that_is_called_as_an_option_is_nothing_that_is_loaded(
    write_sweep: SweepWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = {"flat": {}, "seq2seq": {"merges": ["none"]}}
    before = [one.key for one in Plan.open(load(write_sweep(models=models))).trials]
    for name in ("main", "dfs", "trie"):  # Values of seq2seq's options.
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert [one.key for one in Plan.open(load(write_sweep(models=models))).trials] == before


def test_word_vectors_are_their_content(write_sweep: SweepWriter, tmp_path: Path) -> None:
    def key(vectors: str) -> str:
        encoder = {"name": "lstm", "options": {"vectors": vectors}}
        return Plan.open(load(write_sweep(encoder=encoder))).trials[0].key

    for name, content in (("a", "cat 1"), ("b", "cat 2"), ("c", "cat 1")):
        (tmp_path / f"{name}.txt").write_text(content)
    none, a, b, c = (key(name and str(tmp_path / f"{name}.txt")) for name in ("", "a", "b", "c"))
    assert a == c and len({none, a, b}) == 3
    (tmp_path / "b.txt").write_text("cat 1")
    assert key(str(tmp_path / "b.txt")) == a
