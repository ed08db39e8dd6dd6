"""Scores of kept predictions: of each decision rule, of each level, of rankings, of calibration."""

from collections.abc import Mapping

import scipy.sparse

from datasets.storage.documents import SplitName
from datasets.storage.hierarchy import Hierarchy
from datasets.storage.label_groups import Bools
from datasets.storage.predictions import Predictions
from harness.core.metric_names import OF_DEPTH, Decision
from harness.scoring.calibration import calibration
from harness.scoring.confidence import confident_depth
from harness.scoring.decisions import decide, possible, thresholds
from harness.scoring.metrics import Tally
from harness.scoring.ranking import ranking

_AT_ONCE = 4096
Scores = dict[str, float]


def scores_by_decision(
    predicted: Predictions,
    gold: Mapping[SplitName, scipy.sparse.csr_array],
    hierarchy: Hierarchy,
    groups: Mapping[str, Bools] | None = None,
) -> dict[Decision, Scores]:
    """Returns every score of the test documents, in points, by the decision rules that the predictions allow.

    Of each rule those of `Tally`, with `micro_f1_depth_D` and `macro_f1_depth_D` over the labels at level D; where one
    threshold is chosen, `threshold`; of 0.5 also what depends on no rule.

    Args:
        predicted: What a system says of the documents.
        gold: Gold labels of the splits `val` and `test`, (documents, L) booleans, closed under ancestors.
        hierarchy: L labels.
        groups: Groups of labels, as `Tally` has them.
    """
    levels = hierarchy.levels
    depths = {f"{OF_DEPTH[1:]}{level}": levels == level for level in range(1, levels.max() + 1)}
    found: dict[Decision, Scores] = {}
    for rule in possible(predicted):
        tally = Tally(hierarchy, {**(groups or {}), **depths})
        labels = decide(rule, predicted, gold["val"])
        for start in range(0, labels.shape[0], _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            tally.add(labels[rows].toarray(), gold["test"][rows].toarray())
        found[rule] = tally.scores()
    if "validation" in found:
        found["validation"]["threshold"] = float(thresholds("validation", predicted, gold["val"]))
    return found | {"0.5": found["0.5"] | _of_values(predicted, gold, hierarchy)}


def _of_values(
    predicted: Predictions, gold: Mapping[SplitName, scipy.sparse.csr_array], hierarchy: Hierarchy
) -> dict[str, float]:
    """Returns the scores that depend on values, as far as there are any."""
    if predicted.meaning == "labels":
        return {}
    scores = ranking(predicted.test, gold["test"])
    if predicted.valid is not None:
        scores |= confident_depth(predicted, gold["val"], gold["test"], hierarchy)
    if predicted.meaning == "probabilities":
        scores |= calibration(predicted.test, gold["test"])
    return scores
