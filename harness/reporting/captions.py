"""What is said above the tables of a report, and beside the smaller ones."""

from harness.analysis.findings import Findings
from harness.training.metrics import GROUPS


def unfinished(findings: Findings) -> str:
    """Returns a warning where planned trials have not run, or are left out; else nothing."""
    if findings.facts.only:
        return findings.facts.only
    missing = sum(trial.result is None for trial in findings.trials)
    if not missing:
        return ""
    text = f"Unfinished: {len(findings.trials) - missing} of {len(findings.trials)} planned trials have run."
    return (
        f"{text} Stars before the planned number of seeds are an extra look at the data, and raise the "
        "false-positive rate."
    )


def control_note(findings: Findings) -> str:
    """Returns what the control rows are for."""
    sweep = findings.sweep
    text = "Controls stand outside every comparison and correction."
    controls = {key: entry for key, entry in sweep.models.items() if entry.control}
    flat = [key for key, one in controls.items() if not sweep.reads_hierarchy(key) and one.split == "hierarchy"]
    if any(set(sweep.merges_of(key)) - {"none"} for key in flat):
        names = " and ".join(sweep.models[key].label or key for key in flat)
        text += (
            f" {names} {'has' if len(flat) == 1 else 'have'} no structure encoder: on a tree, what is gained or lost "
            "there under a merge is due to the weighting of the loss, not to structure."
        )
        reductions = {sweep.models[key].branch_reduction or sweep.branch_reduction for key in flat}
        if reductions == {"paper"} and all({"masking", "projection"} <= set(sweep.merges_of(key)) for key in flat):
            text += " On a tree, masking is the flat model itself; projection only re-weights the branches."
    splits = {entry.split for entry in controls.values()}
    if "random" in splits:
        text += (
            " A random split gives the heads random sets of labels of the branches' sizes: what is gained with it "
            "too is not due to the hierarchy."
        )
    if "copies" in splits:
        text += (
            " Copies are as many heads for all labels as there are branches: what is gained with them too is due to "
            "more heads."
        )
    if findings.control_comparisons:
        text += " Δ with its 95 % interval is unadjusted."
    return text


def claims_note(findings: Findings) -> str:
    """Returns how claims were judged."""
    rule = findings.sweep.statistics
    text = (
        "A claim is supported where all its parts are, and not supported where one is contradicted (Holm over its "
        "parts) or all are contradicted or negligible; else it is inconclusive. Intervals are two-sided and not "
        f"corrected across claims. Negligible is surely within ± {rule.smallest_effect:g} points"
    )
    if any(part.with_documents for claim in findings.claims for part in claim.parts):
        return (
            f"{text}. Intervals are over seeds and test documents, or over seeds alone where that is wider; those "
            "marked (seeds) are over seeds in any case."
        )
    return f"{text}. Intervals are over seeds on the fixed test documents."


def label_groups_note(findings: Findings) -> str:
    """Returns what the groups of labels are, and how many labels each has."""
    shown = {item.group for item in findings.label_groups}
    meanings = ", ".join(f"{group}: {meaning}" for group, meaning in GROUPS.items() if group in shown)
    known = findings.facts.dataset_facts
    sizes = [
        f"{findings.dataset_titles[key]} has {', '.join(counted)}"
        for key, found in known.items()
        if findings.dataset_titles[key] in {item.dataset for item in findings.label_groups}
        for counted in [[f"{num} {group} ({tested} in test)" for group, (num, tested) in found.label_groups.items()]]
        if counted
    ]
    return (
        f"Labels by how many of the documents that a trial was trained on have them ({meanings}). micro pools a "
        "group's labels, macro is the mean over those of them that a test document has, 0 where none has; both are of "
        "the epoch of the other metrics, mean ± sd over seeds, and not tested."
        + (f" {'; '.join(sizes)} labels." if sizes else "")
    )
