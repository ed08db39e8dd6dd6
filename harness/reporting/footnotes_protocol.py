"""Footnotes on the protocol: best epoch, planned seeds, looks at the results, pre-registration."""

from collections.abc import Iterator

from harness.analysis.findings import Findings
from harness.core.text import listed
from harness.trials.preregistration import Registration


def best_epoch(findings: Findings) -> Iterator[str]:
    """Names the rule that chose the epoch of the test scores; collect.py puts it into words."""
    yield f"Best epoch: {findings.facts.selection.rstrip('.')}."


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
