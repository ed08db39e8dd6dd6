"""Golden numbers guard the versions: what moves them without a raised version fails, with what to do about it."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from datasets.storage.hierarchy import Hierarchy
from harness.core.registry import Component
from harness.trials.identity import RUNNER
from harness.trials.settings import TrainedSettings
from models import OBJECTIVES, STRUCTURE_ENCODERS, TEXT_ENCODERS
from models.structure_encoders.hitin import coding_tree
from tests.golden import corpus, numbers, renew
from tests.golden.numbers import Entry, complaints, largest_difference, read, trials, unguarded


def test_the_numbers_are_those_of_the_versions() -> None:
    if said := complaints(read(), numbers.compute_all()):
        pytest.fail("\n".join(said), pytrace=False)


def test_everything_registered_is_guarded() -> None:
    assert unguarded(list(trials().values())) == []
    parts = [RUNNER, TrainedSettings.kind, *TEXT_ENCODERS.values(), *STRUCTURE_ENCODERS.values(), *OBJECTIVES.values()]
    # Also every file that has a version and is not registered itself.
    assert {name for part in parts for name in part.numerics} == {
        name for entry in read().values() for name in entry["versions"]
    }


def test_a_new_part_asks_for_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    template = Component("template", "models.structure_encoders.template:Template")
    monkeypatch.setitem(STRUCTURE_ENCODERS._components, "template", template)
    monkeypatch.setitem(OBJECTIVES._components, "hinge", OBJECTIVES["bce"])
    rest = (
        "in tests/golden/sweep.yaml, so that no golden number guards it: add it there, run "
        "`python -m tests.golden.renew` and commit what it writes."
    )
    assert unguarded(list(trials().values())) == [
        f"The model 'template' is not trained under none {rest}",
        f"The model 'template' is not trained under masking {rest}",
        f"The model 'template' is not trained under projection {rest}",
        f"The objective 'hinge' is not trained {rest}",
    ]


def entry(loss: float = 0.7, **versions: int) -> Entry:
    return {
        "losses": [loss, 0.6],
        "probabilities": [0.5],
        "versions": {"training": 1, **versions},
    }


RECORDED = {"hiagm/none": entry(gcn=1, hiagm=3), "himatch/none": entry(gcn=1, himatch=1), "flat/none": entry(flat=3)}
DO_IT = "run `python -m tests.golden.renew` and commit what it writes."


def test_numbers_that_move_ask_for_a_version() -> None:
    found = {**RECORDED, "hiagm/none": entry(0.71, gcn=1, hiagm=3)}
    (said,) = complaints(RECORDED, found)
    assert said == (
        "The numbers of hiagm/none moved, by up to 1.4e-02, and no version says so: stored trials would pass for what "
        "the code computes now. If this is meant, raise the NUMERICS version of what changed (likeliest first: "
        "'hiagm' in models/structure_encoders/hiagm.py or 'gcn' in models/layers/gcn.py or 'training' in "
        f"harness/training/__init__.py; after an upgrade of a library 'training'), {DO_IT}"
    )
    (said,) = complaints(RECORDED, {**found, "himatch/none": entry(0.72, gcn=1, himatch=1)})
    assert (
        "of hiagm/none, himatch/none moved, by up to 2.8e-02" in said
        and "first: 'gcn' in models/layers/gcn.py or" in said
    )
    (said,) = complaints(RECORDED, {**RECORDED, "flat/none": {**entry(flat=3), "losses": [math.nan, 0.6]}})
    assert "flat/none moved, by up to inf" in said
    # A file that something imports and does not run comes before those that everything runs.
    idle = {**RECORDED, "tree/none": entry(gcn=1, tree=1)}
    (said,) = complaints(idle, {**idle, **found, "himatch/none": entry(0.72, gcn=1, himatch=1)})
    assert "first: 'gcn' in models/layers/gcn.py or 'training' in harness/training/__init__.py;" in said
    moved = {name: {**one, "losses": [0.8, 0.6]} for name, one in RECORDED.items()}
    (said,) = complaints(RECORDED, moved)
    assert "first: 'training' in harness/training/__init__.py; after" in said


def test_a_raised_version_asks_for_new_numbers_whether_they_moved_or_not() -> None:
    for loss in (0.7, 0.71):
        (said,) = complaints(RECORDED, {**RECORDED, "hiagm/none": entry(loss, gcn=2, hiagm=3, adapter=1)})
        assert said == (
            "The golden numbers of hiagm/none were made with other versions ('adapter' none -> 1, 'gcn' 1 -> 2): "
            + DO_IT
        )


def test_entries_and_parts_belong_together() -> None:
    fewer = {name: one for name, one in RECORDED.items() if name != "flat/none"}
    assert complaints(fewer, RECORDED) == [f"There are no golden numbers of flat/none: {DO_IT}"]
    assert complaints(RECORDED, fewer) == [
        f"There are golden numbers of flat/none, which tests/golden/sweep.yaml does not train: {DO_IT}"
    ]


def test_rounding_is_no_change() -> None:
    found = {name: {**one, "losses": [0.70002, 0.6], "probabilities": [0.5 - 2e-5]} for name, one in RECORDED.items()}
    assert complaints(RECORDED, found) == []
    assert largest_difference(entry(1e-9), entry(2e-9)) < 1e-6, "as good as 0"
    assert largest_difference(entry(), {**entry(), "losses": [0.7]}) == math.inf


def test_renewing_writes_what_was_raised_and_refuses_what_no_version_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "numbers.json"
    monkeypatch.setattr(numbers, "NUMBERS", file)
    monkeypatch.setattr(numbers, "compute_all", lambda: RECORDED)
    assert renew.main() == 0 and read() == RECORDED
    rounded = {**RECORDED["flat/none"], "losses": [0.70001, 0.6]}
    found = {"hiagm/none": entry(0.9, gcn=2, hiagm=3), "himatch/none": entry(gcn=2, himatch=1), "flat/none": rounded}
    monkeypatch.setattr(numbers, "compute_all", lambda: found)
    assert renew.main() == 0 and read() == {**found, "flat/none": RECORDED["flat/none"]}
    assert capsys.readouterr().out.splitlines()[-1] == "2 of 3 entries are new: hiagm/none, himatch/none."
    before = file.read_bytes()
    monkeypatch.setattr(numbers, "compute_all", lambda: {**found, "himatch/none": entry(0.8, gcn=2, himatch=1)})
    assert renew.main() == 1 and file.read_bytes() == before
    assert "'himatch' in models/structure_encoders/himatch/himatch.py" in capsys.readouterr().err


def test_no_score_hangs_on_rounding() -> None:
    near = {name: one["margin"] for name, one in read().items() if one.get("margin", 1) < numbers.MARGIN}
    assert near == {}, "give these other learning rates in tests/golden/sweep.yaml, then renew"


def test_the_file_is_what_renewing_writes() -> None:
    assert numbers.NUMBERS.read_text("utf-8") == numbers.as_text(read())


@pytest.mark.parametrize("height", [2, 3])
def test_no_coding_tree_of_the_corpus_hangs_on_rounding(height: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Hierarchy.from_names(corpus.EDGES)
    hierarchies = [whole, *(whole.sub(branch) for branch in whole.branches())]

    def layers() -> list[list[list[int]]]:
        trees = [coding_tree.coding_tree(one, height) for one in hierarchies]
        return [[parents.tolist() for parents in tree.parents] for tree in trees]

    exact = layers()
    for seed in range(20):

        def rough(function, seed=seed):  # type: ignore[no-untyped-def]
            # The same error for the same value each time, as a library of another make has.
            return lambda value: function(value) * (1 + 1e-13 * np.random.default_rng([seed, hash(value)]).normal())

        monkeypatch.setattr(coding_tree, "math", SimpleNamespace(log=rough(math.log), log2=rough(math.log2)))
        assert layers() == exact
