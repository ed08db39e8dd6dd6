"""A missing corpus names what to get, from whom and under which terms; a built-in one is made where it is missing."""

import shutil
from pathlib import Path

import pytest

from datasets.storage.description import META
from harness.config.load import load
from harness.core.errors import DataError
from harness.trials.corpora import card, prepare_builtin, refuse_missing
from harness.trials.plan import Plan
from tests.conftest import SweepWriter
from tests.shared import ROOT


def refusal(plan: Plan, but_builtin: bool = False) -> list[str]:
    """Returns the paragraphs, each on one line."""
    with pytest.raises(DataError) as caught:
        refuse_missing(plan, but_builtin)
    text = str(caught.value)
    assert all(len(line) <= 110 for line in text.splitlines()[1:])
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def letters(text: str) -> str:
    """Returns a text without spaces: a line may end at a hyphen."""
    return "".join(text.split())


def of_table_1(tmp_path: Path, *filters: str) -> Plan:
    sweep = load(ROOT / "sweeps" / "table1.yaml").model_copy(update={"data_dir": str(tmp_path / "data")})
    return Plan.open(sweep, filters)


def test_every_missing_corpus_names_the_command_the_source_and_the_terms(tmp_path: Path) -> None:
    plan = of_table_1(tmp_path)
    summary, *paragraphs = refusal(plan)
    assert summary == "3 of the sweep's corpora cannot be used: wos, rcv1, nyt."
    for dataset, paragraph in zip(("wos", "rcv1", "nyt"), paragraphs, strict=True):
        about, said = card(plan.sweep, dataset), letters(paragraph)
        assert said.startswith(letters(f"{about.title}: There is no prepared corpus at {tmp_path}/data/{dataset}"))
        assert letters(f"python -m datasets.prepare {dataset} --source PATH") in said
        assert said.endswith(letters(f"{about.obtain} Terms: {about.licence}"))
    assert not list(tmp_path.iterdir()), "nothing is made before it is refused"


def test_only_corpora_of_selected_trials_are_needed(tmp_path: Path) -> None:
    summary, paragraph = refusal(of_table_1(tmp_path, "dataset=rcv1"))
    assert summary == "1 of the sweep's corpora cannot be used: rcv1." and "NIST" in paragraph


def test_a_built_in_corpus_may_be_missing_until_it_is_made(write_sweep: SweepWriter, tmp_path: Path) -> None:
    options = {"documents": 300}
    path = write_sweep(datasets={"small": {"reader": "synthetic", "options": options}}, data_dir=str(tmp_path / "d"))
    plan = Plan.open(load(path))
    refuse_missing(plan, but_builtin=True)
    _, paragraph = refusal(plan)
    assert "python -m datasets.prepare synthetic" in paragraph and "documents=300" in paragraph
    assert "--source" not in paragraph and "Terms: " not in paragraph
    prepare_builtin(plan)
    plan.refresh()
    refuse_missing(plan)
    (folder,) = (tmp_path / "d").glob("*/")
    assert folder.name == plan.trials[0].settings.corpus
    made = (folder / META).stat().st_mtime_ns
    prepare_builtin(plan)
    assert (folder / META).stat().st_mtime_ns == made, "what is there is not made again"


def test_a_damaged_built_in_corpus_is_refused_and_the_one_made_in_its_place_is_the_same(
    write_sweep: SweepWriter, tmp_path: Path
) -> None:
    path = write_sweep(datasets={"synthetic": {"options": {"documents": 300}}}, data_dir=str(tmp_path / "d"))
    plan = Plan.open(load(path))
    prepare_builtin(plan)
    plan.refresh()
    keys = [one.key for one in plan.trials]
    (meta,) = (tmp_path / "d").glob(f"*/{META}")
    meta.write_text("{", "utf-8")
    plan.refresh()
    assert "is damaged" in refusal(plan)[1]
    with pytest.raises(DataError, match="Delete it and prepare it again with `python -m datasets.prepare synthetic"):
        prepare_builtin(plan)
    shutil.rmtree(meta.parent)
    prepare_builtin(plan)
    plan.refresh()
    assert [one.key for one in plan.trials] == keys and not plan.problems
