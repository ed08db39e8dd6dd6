"""Captions of the tables of scores: decision rules and what depends on them, F by depth, ranking and calibration."""

from collections.abc import Iterator

from harness.analysis.findings import Findings
from harness.core.metric_names import Decision

MEANINGS: dict[Decision, str] = {
    "0.5": "above 0.5",
    "validation": "above the threshold that gives the highest micro F on validation",
    "per_label": "above the threshold of its own that gives its highest F on validation, or above its highest value "
    "there where that F is below .1 (SCutFBR.1, Yang 2001; Lewis et al. 2004 tune that limit, which is fixed here)",
}
"""Decision rule to the labels that it predicts."""


def decisions_note(findings: Findings) -> str:
    """Returns what the decision rules are, which one the report goes by, and how often another changes a verdict."""
    rules = findings.decisions
    if rules is None:
        return ""
    meanings = "; ".join(f"{rule}: {meaning}" for rule, meaning in MEANINGS.items())
    num_changed = len({one.subject for changes in rules.changes.values() for one in changes})
    alike = (
        f" {rules.num_alike} finished trials kept labels only, the same under every rule." if rules.num_alike else ""
    )
    return (
        f"Rules for predicting labels: {meanings}. This report uses {findings.sweep.decision}. Another rule would "
        f"change {num_changed} of {rules.num_verdicts} verdicts (whether a difference has a star, its direction, a "
        f"claim's verdict).{alike}"
    )


def changed_verdicts(findings: Findings) -> Iterator[str]:
    """Yields a sentence for each verdict that is another by another decision rule."""
    rules = findings.decisions
    for rule, changes in rules.changes.items() if rules else ():
        for one in changes:
            yield f"{one.subject}: {one.shown} by {findings.sweep.decision}, {one.other} by {rule}."


def depth_note() -> str:
    """Returns what F by depth is."""
    return (
        "F over the labels at each level of the hierarchy, 1 at the top: micro pools them; macro is the mean over "
        "those that a test document has. Parents are easier than their children."
    )


def values_note() -> str:
    """Returns what scores are that no decision rule changes."""
    return (
        "All labels, inner ones too, are ranked against gold that is closed under ancestors (ours; that of Chalkidis "
        "et al. 2019 is the assigned labels only, so these are not their published numbers): precision, R-precision "
        "(rp) and nDCG of the first labels, means over documents with gold, by their formulas; labels of equal value "
        "count as if ordered by chance. ece: expected calibration error of label decisions of a probability above .05, "
        "15 bins (Guo et al. 2017); brier: squared error summed over labels, times 100; lower is better of "
        "both. confident_depth: share of gold depth that is reached where no label is predicted below the threshold of "
        "90 % precision on validation, and confident_precision what that gives on the test documents."
    )
