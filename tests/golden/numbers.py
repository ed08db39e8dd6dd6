"""Golden numbers: what a few training steps compute, beside the numerics versions of what computed it.

A number that moves while its versions stand is a change that stored trials would not notice: the version has to be
raised. A version that was raised asks for new numbers.
"""

import ast
import contextlib
import json
import math
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_args
from unittest.mock import patch

import torch

from datasets.storage.corpus import open_corpus
from harness.config.load import load
from harness.core.source import constant
from harness.scoring.metrics import THRESHOLD
from harness.training.build import Data, build, device_of
from harness.training.checkpoint import Checkpoint
from harness.training.train import fit, seed_everything
from harness.training.trained import BestEpochs
from harness.trials.identity import versions
from harness.trials.settings import TrialSettings, expand
from models import OBJECTIVES, STRUCTURE_ENCODERS, TEXT_ENCODERS, Merge
from tests.golden import corpus
from tests.shared import ROOT

FOLDER = ROOT / "tests" / "golden"
SWEEP, NUMBERS = FOLDER / "sweep.yaml", FOLDER / "numbers.json"
TOLERANCE = 1e-4
"""Relative; another CPU rounds differently by far less."""
MARGIN = 1e-5
"""Least distance of a probability from the threshold where scores are recorded: these are then the same everywhere."""
RENEW = "`python -m tests.golden.renew`"

Entry = dict[str, Any]


@cache
def trials() -> dict[str, TrialSettings]:
    """Returns the trials of the sweep file, by `model/merge`."""
    return {f"{trial.model}/{trial.merge}": trial for trial in expand(load(SWEEP))}


@contextlib.contextmanager
def workplace() -> Iterator[None]:
    """Is in a folder that holds what the sweep file names, away from the user's caches, on one thread."""
    threads = torch.get_num_threads()
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        patch.dict(os.environ, {"HF_HUB_OFFLINE": "1", "XDG_CACHE_HOME": folder}),
        patch.object(sys, "path", [folder, *sys.path]),
    ):
        corpus.make(Path(folder))
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def compute(trial: TrialSettings) -> Entry:
    """Trains a trial as every trial is trained, and returns its numbers; in a `workplace`.

    Returns:
        The loss of each step; every seventh probability of the last evaluation on the validation documents, so that all
        documents and many labels are among them; of a trial of several epochs the test scores at the best ones, and how
        near a probability came to the threshold that they depend on, which is not compared.
    """
    device = device_of(trial)
    data = Data.open(trial, open_corpus(Path.cwd() / "data" / trial.corpus))
    seed_everything(trial.seed)
    model = build(trial, data, device)
    losses, probabilities = _noted(model.heads, "loss"), _noted(model.heads, "probabilities")
    train, valid = data.splits["train"], data.splits["val"]
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder))
        hierarchy = data.corpus.hierarchy
        fitted = fit(model, trial.trainer, train, valid, hierarchy, trial.seed, checkpoint, lambda entry: None)
    entry: Entry = {
        "losses": [_short(float(loss)) for loss in losses],
        "probabilities": [_short(float(one)) for one in probabilities[-1].flatten()[::7]],
    }
    if trial.trainer.epochs > 1:
        tested = BestEpochs.test(model, fitted, data, trial.trainer)
        entry["margin"] = _short(min(float((one - THRESHOLD).abs().min()) for one in probabilities))
        entry["scores"] = {
            f"{metric} {name}": _short(value)
            for metric, scores in tested.selected.items()
            for name, value in scores.items()
        }
    return entry


def compute_all() -> dict[str, Entry]:
    """Returns the numbers and versions of every trial of the sweep file."""
    with workplace():
        return {
            name: {**compute(trial), "versions": dict(sorted(versions(trial).items()))}
            for name, trial in trials().items()
        }


def _noted(owner: Any, method: str) -> list[torch.Tensor]:
    """Has an object keep what one of its methods returns."""
    noted: list[torch.Tensor] = []
    original: Callable[..., torch.Tensor] = getattr(owner, method)

    def note(*arguments: Any) -> torch.Tensor:
        returned = original(*arguments)
        noted.append(returned.detach().clone())
        return returned

    setattr(owner, method, note)
    return noted


def _short(value: float) -> float:
    return float(f"{value:.7g}")


def largest_difference(one: Entry, other: Entry) -> float:
    """Returns the largest relative difference between the numbers of two entries; infinite where these are others."""
    ours, theirs = _flat(one), _flat(other)
    if ours.keys() != theirs.keys():
        return math.inf
    return max(_difference(value, theirs[place]) for place, value in ours.items())


def _flat(entry: Entry) -> dict[tuple[str, Any], float]:
    """Returns the numbers of an entry by where they are in it."""
    lists = {kind: dict(enumerate(entry[kind])) for kind in ("losses", "probabilities")} | {
        "scores": entry.get("scores", {})
    }
    return {(kind, place): value for kind, values in lists.items() for place, value in values.items()}


def _difference(one: float, other: float) -> float:
    # A probability that is as good as 0 may be any such number.
    difference = abs(one - other) / max(abs(one), abs(other), 1e-2)
    return difference if math.isfinite(difference) else math.inf


def unguarded(trained: Sequence[TrialSettings]) -> list[str]:
    """Returns a sentence for each registered part that no trial of the sweep file trains."""
    heads = {(trial.structure, trial.merge) for trial in trained}
    missing = [
        f"The model {name!r} is not trained under {merge}"
        for name, part in STRUCTURE_ENCODERS.items()
        for merge in get_args(Merge)
        if merge not in part.refuses and (name, merge) not in heads
    ]
    for kind, registry, names in (
        ("text encoder", TEXT_ENCODERS, {trial.encoder for trial in trained}),
        ("objective", OBJECTIVES, {trial.objective for trial in trained}),
    ):
        missing += [f"The {kind} {name!r} is not trained" for name in sorted(registry.keys() - names)]
    where = f"in {SWEEP.relative_to(ROOT)}, so that no golden number guards it: add it there, run {RENEW}"
    return [f"{one} {where} and commit what it writes." for one in missing]


def complaints(recorded: Mapping[str, Entry], found: Mapping[str, Entry]) -> list[str]:
    """Returns a sentence for each way in which recorded numbers are not those that were found."""
    both = sorted(recorded.keys() & found.keys())
    raised = [name for name in both if recorded[name]["versions"] != found[name]["versions"]]
    standing = [name for name in both if name not in raised]
    moved = [name for name in standing if largest_difference(recorded[name], found[name]) > TOLERANCE]
    said = []
    if new := sorted(found.keys() - recorded.keys()):
        said.append(f"There are no golden numbers of {_some(new)}: run {RENEW} and commit what it writes.")
    if gone := sorted(recorded.keys() - found.keys()):
        said.append(
            f"There are golden numbers of {_some(gone)}, which {SWEEP.relative_to(ROOT)} does not train: run {RENEW} "
            "and commit what it writes."
        )
    if raised:
        changes = dict.fromkeys(one for name in raised for one in _changes(recorded[name], found[name]))
        said.append(
            f"The golden numbers of {_some(raised)} were made with other versions ({', '.join(changes)}): run {RENEW} "
            "and commit what it writes."
        )
    if moved:
        largest = max(largest_difference(recorded[name], found[name]) for name in moved)
        suspects = _suspects([found[name] for name in moved], [found[name] for name in standing if name not in moved])
        said.append(
            f"The numbers of {_some(moved)} moved, by up to {largest:.1e}, and no version says so: stored trials would "
            "pass for what the code computes now. If this is meant, raise the NUMERICS version of what changed "
            f"(likeliest first: {suspects}; after an upgrade of a library 'training'), run {RENEW} "
            "and commit what it writes."
        )
    return said


def _changes(recorded: Entry, found: Entry) -> list[str]:
    """Says which versions differ."""
    old, new = recorded["versions"], found["versions"]
    return [
        f"{name!r} {old.get(name, 'none')} -> {new.get(name, 'none')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _suspects(moved: Sequence[Entry], unmoved: Sequence[Entry]) -> str:
    """Says which versions may have to be raised, and where they are: those of all that moved.

    The fewer entries that stand still have a version, the likelier it is; none is ruled out by them, since a file that
    is imported need not run.
    """
    shared = set.intersection(*(set(entry["versions"]) for entry in moved))
    elsewhere = Counter(name for entry in unmoved for name in entry["versions"])
    likely = sorted(shared, key=lambda name: (elsewhere[name], name))
    return " or ".join(f"{name!r} in {declared().get(name, 'no file')}" for name in likely)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


@cache
def declared() -> dict[str, str]:
    """Returns the file that bears each numerics version, by name."""
    paths = [path for package in ("harness", "models", "datasets") for path in (ROOT / package).rglob("*.py")]
    return {
        name: str(path.relative_to(ROOT))
        for path in paths
        for name in constant(ast.parse(path.read_text("utf-8")), "NUMERICS") or {}
    }


def read() -> dict[str, Entry]:
    """Returns the golden numbers."""
    return dict(json.loads(NUMBERS.read_text("utf-8"))) if NUMBERS.exists() else {}


def as_text(entries: Mapping[str, Entry]) -> str:
    """Returns what `read` reads: a line for each list of numbers."""
    blocks = [
        f"  {json.dumps(name)}: {{\n"
        + ",\n".join(f"    {json.dumps(kind)}: {json.dumps(values)}" for kind, values in entry.items())
        + "\n  }"
        for name, entry in sorted(entries.items())
    ]
    return "{\n" + ",\n".join(blocks) + "\n}\n"
