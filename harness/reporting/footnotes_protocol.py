"""Footnotes on the protocol: best epoch, planned seeds, looks at the results, pre-registration."""

from collections.abc import Iterator

from harness.analysis.findings import Findings
from harness.core.text import listed
from harness.trials.preregistration import Registration


BEST_EPOCH = {
    "per_metric": "micro F from the epoch with the best validation micro F, macro F from the one with the best "
    "validation macro F; other metrics from the former",
    "micro": "every metric from the epoch with the best validation micro F",
    "macro": "every metric from the epoch with the best validation macro F",
}
"""What each rule of `trainer: {select: ...}` takes from which epoch."""


def best_epoch_rules(findings: Findings) -> str:
    """Returns in words the rules that chose the epochs of the test scores."""
    return " / ".join(BEST_EPOCH[rule] for rule in findings.facts.selection)


def best_epoch(findings: Findings) -> Iterator[str]:
    """Names the rule that chose the epoch of the test scores."""
    yield f"Best epoch: {best_epoch_rules(findings)}."


def looks(findings: Findings) -> Iterator[str]:
    """Counts the looks at the results, of which one is planned."""
    yield f"Planned n = {findings.facts.registration.num_seeds}, looks = {findings.facts.looks}."
    if findings.facts.looks > 1:
        yield "More looks than the planned one: the results were tested before they were complete, or extended after."


def pre_registration(findings: Findings) -> Iterator[str]:
    """Reports whether the plan was frozen before the first trial, and followed."""
    yield f"Pre-registered: {_registered(findings.facts.registration)}."


def _registered(found: Registration) -> str:
    if not found.frozen:
        return "no; no plan was frozen before the first trial"
    plan = f"plan {found.sha256[:12]}, frozen {found.frozen}"
    if found.num_older:
        return f"no; {found.num_older} results are older than the {plan}"
    if found.changes:
        return f"yes ({plan}), and not followed: {listed(list(found.changes))}"
    return f"yes ({plan}), and followed"
