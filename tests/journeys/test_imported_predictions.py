"""Predictions of trained trials, exported by hand and imported: the same scores, the same report, and no training."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from datasets.storage.corpus import open_corpus
from harness import report as report_door
from harness import trial as trial_door
from harness.config.load import load
from harness.core.errors import DataError
from harness.trials.plan import Plan
from tests.conftest import SweepWriter

ORIGIN = {"made_by": "the authors", "how": "their program", "made_on": "2026-01-01", "unclosed": "keep"}


def exported(plan: Plan, path: Path, has_values: bool = False) -> None:
    """Writes what the trials of a plan predicted for the test documents, as others would hand it over."""
    with path.open("w", encoding="utf-8") as stream:
        for one in plan.trials:
            corpus = open_corpus(Path(plan.sweep.data_dir) / one.settings.corpus)
            table = pq.read_table(plan.store.folder(one.key) / "predictions.parquet")
            for row in table.to_pylist():
                if row["split"] == "test":
                    least = 0.0 if has_values else 0.5
                    pairs = zip(row["micro_f1_labels"], row["micro_f1_values"], strict=True)
                    above = {corpus.hierarchy.labels[label]: value for label, value in pairs if value > least}
                    record = {"doc_id": row["doc_id"], "labels": [*above], "seed": one.settings.seed, "system": "HiX"}
                    if has_values:
                        record["values"] = [*above.values()]
                    stream.write(json.dumps(record) + "\n")


def test_imported_runs_score_as_the_runs_that_predicted_them(
    write_sweep: SweepWriter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained: dict[str, Any] = {"model": "flat", "merges": ["none"]}
    path = write_sweep(models={"trained": trained}, seeds=[1, 2, 3])
    assert trial_door.main([str(path)]) == 0
    file = tmp_path / "hix-synthetic.jsonl"
    trained_plan = Plan.open(load(path))
    exported(trained_plan, file)
    imported = {
        "model": "imported",
        "seeds": [1, 2, 3],
        "options": {"file": str(tmp_path / "hix-{dataset}.jsonl"), **ORIGIN},
    }
    path = write_sweep(models={"trained": trained, "hix": {"label": "HiX", **imported}}, seeds=[1, 2, 3])
    assert trial_door.main([str(path)]) == 0
    plan = Plan.open(load(path))
    found = {(one.settings.model, one.settings.seed): one.record for one in plan.trials}
    for seed in (1, 2, 3):
        ours, theirs = found["trained", seed], found["hix", seed]
        assert ours and theirs
        assert theirs.scores["micro_f1"] == ours.selected["micro_f1"]["micro_f1"]
        assert theirs.scores["violations"] == ours.selected["micro_f1"]["violations"]
        assert theirs.environment["made by"] == "the authors"
    assert report_door.main([str(path)]) == 0
    assert "| HiX |" in (Path(plan.sweep.reports_dir) / "tiny.md").read_text("utf-8")

    # Probabilities of test documents alone are ranked and calibrated, and no threshold is chosen for them.
    exported(trained_plan, file, has_values=True)
    assert trial_door.main([str(path)]) == 0
    for one in Plan.open(load(path)).trials:
        if one.settings.model == "hix":
            assert one.record and not one.record.decisions and one.record.scores["ece"] >= 0
            assert not any(name.startswith("valid_") for name in one.record.scores), "nothing is known of validation"

    # Another file at the same place is another trial; one that does not fit stops everything before it begins.
    file.write_text("".join(file.read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")
    with pytest.raises(DataError, match="1 of the corpus's 120 test documents have no prediction under seed 3"):
        trial_door.main([str(path)])
    assert [one.state for one in Plan.open(load(path)).trials if one.settings.model == "hix"] == ["new"] * 3
