"""The card of an exported model: scores beside others, terms, limits."""

import re
from pathlib import Path

import yaml

from harness import export
from harness.trials.store import Store
from tests.conftest import SweepWriter
from tests.harness.finished_sweep import finished


def test_the_card_has_the_scores_terms_and_limits(write_sweep: SweepWriter, tmp_path: Path) -> None:
    sweep, out = finished(write_sweep), tmp_path / "out"
    export.main([sweep, "--row", "flat/projection", "--out", str(out)])
    _, head, text = (out / "README.md").read_text("utf-8").split("---\n", 2)
    metadata = yaml.safe_load(head)
    store = Store(tmp_path / "store")
    records = [one for one in store.records() if one.settings["merge"] == "projection"]
    micro = [one.scores["micro_f1"] for one in records]
    mean = sum(micro) / 2
    sd = abs(micro[0] - micro[1]) / 2**0.5
    assert f"| all finished seeds, n = 2 | {mean:.2f} ± {sd:.2f} |" in text
    best = max(records, key=lambda one: one.scores["valid_micro_f1"])
    own = best.selected["micro_f1"]["macro_f1"]
    # Of the epoch whose weights were kept, which for macro F may be another.
    assert f"this model, seed {best.settings['seed']} | {best.scores['micro_f1']:.2f} | {own:.2f} |" in text
    results = metadata["model-index"][0]["results"][0]
    assert [one["value"] for one in results["metrics"]] == [round(best.scores["micro_f1"], 2), round(own, 2)]
    for said in ("# Flat for synthetic, merge projection", "must not be used for", "Terms of the texts", "Fingerprint"):
        assert said in text
    assert not re.search(r"[^\n]{400,}", text), "no endless lines"
