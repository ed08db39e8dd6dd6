"""Names that several rooms know: the two headline metrics, micro F and macro F, branch cosines, decision rules."""

from typing import Literal, get_args

Headline = Literal["micro_f1", "macro_f1"]
HEADLINE: tuple[Headline, ...] = get_args(Headline)
BRANCH_COSINE = "branch_cosine_"  # Begins the names of what `models/branch_cosines.py` measures.
Decision = Literal["0.5", "validation", "per_label"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)  # What each means is in `harness/scoring/decisions.py`.
OF_VALUES = ("precision_at_", "rp_at_", "ndcg_at_", "r_precision", "ece", "brier", "confident_")
"""Begin the names of scores that no decision rule changes."""
OF_DEPTH = "_depth_"  # Ends, with a level, the names of F over the labels of a level.


def by_rule(metric: str, rule: Decision) -> str:
    """Returns the name of a score by a decision rule, beside those of the rule that a table goes by."""
    return f"{metric}_by_{rule}"
