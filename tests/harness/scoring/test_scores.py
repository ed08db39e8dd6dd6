"""Scores of what is kept: by each decision rule, at each depth, and none that the values cannot tell."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from datasets.storage.predictions import Predictions
from harness.scoring.decisions import decide
from harness.scoring.metrics import Tally
from harness.scoring.scores import scores_by_decision
from tests.harness.scoring.test_decisions import kept, predicted, sparse
from tests.harness.scoring.test_metrics import DAG

RNG = np.random.default_rng(5)
VALID, TEST = (RNG.random((50, 5)) for _ in range(2))
GOLD = {
    split: sparse((RNG.random((50, 5)) < values * 0.8).astype(int) @ DAG.ancestors)
    for split, values in (("val", VALID), ("test", TEST))
}
FOUND = predicted(VALID, TEST)


def test_each_rule_has_every_score_of_its_labels() -> None:
    groups = {"few": np.array([True, False, True, False, False])}
    scores = scores_by_decision(FOUND, GOLD, DAG, groups)  # type: ignore[arg-type]
    assert list(scores) == ["0.5", "validation", "per_label"]
    gold = GOLD["test"].toarray()
    for rule, found in scores.items():
        labels = decide(rule, FOUND, GOLD["val"]).toarray()
        tally = Tally(DAG, groups)
        tally.add(labels, gold)
        assert found.items() >= tally.scores().items()
        for level in (1, 2, 3):
            own = DAG.levels == level
            expected = 100 * f1_score(gold[:, own].ravel(), labels[:, own].ravel(), zero_division=0)
            assert found[f"micro_f1_depth_{level}"] == pytest.approx(expected)
        assert "micro_f1_depth_4" not in found
    assert scores["validation"]["micro_f1"] > scores["0.5"]["micro_f1"], "gold is rarer than its values say"
    assert 0.05 <= scores["validation"]["threshold"] <= 1 and "threshold" not in scores["per_label"]


@pytest.mark.parametrize(
    ("meaning", "has_valid", "starts"),
    [
        ("probabilities", True, {"precision_at_1", "confident_depth", "ece", "brier"}),
        ("scores", True, {"precision_at_1", "confident_depth"}),
        ("scores", False, {"precision_at_1"}),
        ("labels", False, set()),
    ],
)
def test_only_what_values_can_tell_is_told(meaning: str, has_valid: bool, starts: set[str]) -> None:
    values = Predictions(kept(TEST), kept(VALID) if has_valid else None, meaning)  # type: ignore[arg-type]
    scores = scores_by_decision(values, GOLD, DAG)  # type: ignore[arg-type]
    every = {"precision_at_1", "confident_depth", "ece", "brier"}
    assert every & scores["0.5"].keys() == starts
    assert len(scores) == (3 if has_valid else 1)
