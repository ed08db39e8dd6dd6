"""Captions of a report and its tables: built-in corpora, what is unfinished, controls, claims, groups of labels."""

from datasets.storage.label_groups import GROUPS
from harness.analysis.findings import Findings

BUILTIN = (
    "This report is made from a built-in corpus: it shows that the harness works, and is not a result on a "
    "research benchmark."
)
"""Banner above a report on a built-in corpus."""


def title(findings: Findings) -> str:
    """Returns the heading of the report."""
    return findings.sweep.title or findings.sweep.name


def unfinished(findings: Findings) -> str:
    """Returns a warning where planned trials have not run, or are left out; else nothing."""
    if findings.facts.only:
        return findings.facts.only
    num_run, num_planned = len(findings.results), len(findings.planned)
    if num_run == num_planned:
        return ""
    return (
        f"Unfinished: {num_run} of {num_planned} planned trials have run. Stars before the planned "
        "number of seeds are an extra look at the data, and raise the false-positive rate."
    )


def control_note(findings: Findings) -> str:
    """Returns what the control rows are for."""
    sweep = findings.sweep
    named = [row for pair in sweep.contrasts for row in pair] + [sweep.comparing.against]
    is_named = any(name and sweep.models[sweep.named_rows[name][0]].control for name in named)
    but = ", but for those that the sweep file names" if is_named else ""
    notes = [f"Controls are left out of every comparison and correction{but}."]
    controls = {key: entry for key, entry in sweep.models.items() if entry.control}
    flat = [key for key, one in controls.items() if not sweep.reads_hierarchy(key) and one.split == "hierarchy"]
    if any(set(sweep.merges_of(key)) - {"none"} for key in flat):
        names = " and ".join(sweep.models[key].label or key for key in flat)
        notes.append(
            f"{names} {'has' if len(flat) == 1 else 'have'} no structure encoder: on a tree, what is gained or lost "
            "there under a merge is due to the weighting of the loss, not to structure."
        )
        reductions = {sweep.models[key].branch_reduction or sweep.branch_reduction for key in flat}
        if reductions == {"paper"} and all({"masking", "projection"} <= set(sweep.merges_of(key)) for key in flat):
            notes.append(
                "On a tree, masking has the flat model's own loss and other random numbers; projection only re-weights "
                "the branches."
            )
    splits = {entry.split for entry in controls.values()}
    if "level" in splits:
        notes.append(
            "A split by level gives each level of the hierarchy a head, which under projection sees no edge: a gain "
            "that is also seen with it is due to smaller heads or to the weighting of the loss, not to branches."
        )
    if "random" in splits:
        notes.append(
            "A random split gives the heads random sets of labels of the branches' sizes: a gain that is also seen "
            "with it is not due to the hierarchy."
        )
    if "copies" in splits:
        notes.append(
            "Copies are as many heads over all labels as there are branches: a gain that is also seen with them is due "
            "to more heads."
        )
    if findings.control_comparisons:
        notes.append("Δ with its 95 % interval is unadjusted.")
    return " ".join(notes)


def claims_note(findings: Findings) -> str:
    """Returns how claims were judged."""
    smallest = findings.sweep.statistics.smallest_effect
    if any(part.with_documents for claim in findings.claims for part in claim.parts):
        intervals = (
            "Intervals are over seeds and test documents, or over seeds alone where that is wider; those marked "
            "(seeds) are over seeds in any case."
        )
    else:
        intervals = "Intervals are over seeds on the fixed test documents."
    if any(claim.kind == "exceeds" for claim in findings.sweep.claims.values()):
        intervals += (
            " A difference from a published score counts the error of that too: of a single run as that of a further "
            "run of ours, of a mean by its standard deviation, as of 2 runs where their number is not stated."
        )
    improving = ""
    if any(claim.still_improving for claim in findings.claims):
        improving = (
            " Rows still improving: most runs of a row behind the claim had their best epoch last, and more training "
            "may change the verdict."
        )
    return (
        "A claim is supported if all its parts are, not supported if one is contradicted (Holm over its parts) or all "
        "are contradicted or negligible, and else inconclusive. Negligible means surely within "
        f"± {smallest:g} points. {intervals} Intervals are two-sided and not corrected across claims.{improving}"
    )


def label_groups_note(findings: Findings) -> str:
    """Returns what the groups of labels are, and how many labels each has."""
    shown = {item.group for item in findings.label_groups}
    datasets = {item.dataset for item in findings.label_groups}
    meanings = ", ".join(f"{group}: {meaning}" for group, meaning in GROUPS.items() if group in shown)
    sizes = [
        f"{findings.dataset_titles[key]} has "
        + ", ".join(f"{num} {group} ({tested} in test)" for group, (num, tested) in found.label_groups.items())
        for key, found in findings.facts.dataset_facts.items()
        if findings.dataset_titles[key] in datasets and found.label_groups
    ]
    return (
        f"Labels by how many of the documents used for training have them ({meanings}). micro pools the labels of a "
        "group; macro is the mean over those of them that a test document has, 0 where none has. Both are taken at the "
        "epoch of the other metrics, as mean ± sd over seeds, and are not tested."
        + (f" {'; '.join(sizes)} labels." if sizes else "")
    )
