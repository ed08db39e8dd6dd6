"""Inputs of the analysis, read from the store and the prepared corpora."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from datasets.storage.description import read_meta
from datasets.storage.label_groups import label_groups
from harness.analysis.inputs import DatasetFacts, Facts, Inputs
from harness.core.environment import environment
from harness.core.metric_names import DECISIONS
from harness.reporting.captions import BUILTIN
from harness.reporting.registration import num_looks, registration
from harness.reporting.searched import search_inputs
from harness.reporting.trial_results import MADE_WITH, read_results, results_of
from harness.trials.corpora import card
from harness.trials.plan import Plan
from harness.trials.settings import TrainedSettings
from harness.trials.store import Record


def collect(plan: Plan, is_interim: bool = False) -> Inputs:
    """Reads what the selected trials left in the store, and what their corpora are.

    Args:
        plan: The sweep; which comparisons are planned and corrected follows from the whole of it.
        is_interim: Whether this only shows how far a running sweep is: predictions are not read, and it counts as no
            look.
    """
    chosen = plan.sweep.decision
    results, samples = (results_of(plan, chosen), {}) if is_interim else read_results(plan, chosen)
    others = [] if is_interim or not any(one.record and one.record.decisions for one in plan.selected) else DECISIONS
    return Inputs(
        plan.sweep,
        results,
        _facts(plan, is_interim),
        samples,
        ((rule, *read_results(plan, rule)) for rule in others if rule != chosen),
        None if is_interim or not plan.sweep.search else search_inputs(plan),
    )


def _facts(plan: Plan, is_interim: bool) -> Facts:
    sweep = plan.sweep
    datasets = {one.settings.dataset for one in plan.selected} - plan.problems.keys()
    builtin = any(card(sweep, dataset).builtin for dataset in sweep.datasets)
    only = (
        f"Only the trials of --filter {' '.join(plan.filters)}: {len(plan.selected)} of the {len(plan.trials)} planned "
        f"ones, of which {len(plan.selected) - len(plan.of_state('new'))} have run. Whatever is compared with the "
        "others is missing here."
    )
    settings = [one.settings for one in plan.selected]
    looks = num_looks(plan, is_tested=not is_interim and _is_tested(plan))
    registered = registration(plan)
    if looks > 1:  # A plan promises one.
        registered = replace(registered, changes=(*registered.changes, f"looks: 1 -> {looks}"))
    return Facts(
        banner=BUILTIN if builtin else None,
        dataset_facts={dataset: _dataset_facts(plan, dataset) for dataset in sweep.datasets if dataset in datasets},
        provenance=_provenance([one.record for one in plan.selected if one.record]),
        selection=tuple(sorted({one.select for one in settings if isinstance(one, TrainedSettings)})),
        looks=looks,
        registration=registered,
        only=only if plan.filters else "",
    )


def _is_tested(plan: Plan) -> bool:
    """Returns whether a report tests anything: two rows on a dataset have two runs each, or one that stands for all."""
    finished = {cell: sum(one.record is not None for one in trials) for cell, trials in plan.cells().items()}
    enough = {cell for cell, num in finished.items() if num > (0 if plan.sweep.has_one_run(cell.model) else 1)}
    compared = [cell for cell in enough if not plan.sweep.is_standing(cell.model)]
    return any(num > 1 for num in Counter(cell.dataset for cell in compared).values())


def _dataset_facts(plan: Plan, dataset: str) -> DatasetFacts:
    trials = [planned for planned in plan.selected if planned.settings.dataset == dataset]
    folder = Path(plan.sweep.data_dir) / trials[0].settings.corpus
    meta = read_meta(folder)
    counts = meta["counts"]
    subset = plan.sweep.datasets[dataset].train_documents
    trained = (f"Every trial is trained on the same {subset:,} of the training documents.",) if subset else ()
    return DatasetFacts(
        num_labels=counts["labels"],
        num_branches=len(counts["branches"]),
        num_documents=counts["splits"],
        fingerprint=meta["fingerprint"],
        notes=(*meta["notes"], *trained),
        label_groups=_label_groups(folder, subset) if any(one.record for one in trials) else {},
    )


def _label_groups(folder: Path, train_documents: int) -> dict[str, tuple[int, int]]:
    from datasets.storage.corpus import open_corpus  # Arrow, only where there is something to describe

    corpus = open_corpus(folder)
    trained, tested = (
        corpus.labels(rows).sum(axis=0) for rows in (corpus.training_rows(train_documents), corpus.rows("test"))
    )
    groups = label_groups(trained)
    return {name: (int(group_L.sum()), int((group_L & (tested > 0)).sum())) for name, group_L in groups.items()}


def _provenance(records: Sequence[Record]) -> dict[str, str]:
    """Returns what the trials were made with, counted where they differ."""
    facts: dict[str, str] = {}
    for name in (*MADE_WITH, "python", "torch", "torch-geometric", "transformers", "ray"):
        facts[name] = _counted(records, name, "unknown")
    for name in ("encoder loaded from", "structure loaded from"):
        if any(name in record.environment for record in records):
            facts[name] = _counted(records, name, "nothing")
    whole, training = sum(r.seconds for r in records), sum(r.train_seconds for r in records)
    facts["trial hours"] = f"{whole / 3600:.2f}, of which training steps {training / 3600:.2f}"
    facts["last trial"] = max((record.finished for record in records), default="none")
    here = environment()
    versions = f"numpy {here['numpy']}, scipy {here['scipy']}"
    facts["report by"] = f"commit {here['commit']} on {datetime.now(UTC):%Y-%m-%d}, {versions}"
    return facts


def _counted(records: Sequence[Record], name: str, missing: str) -> str:
    """Returns the values of a fact, with their numbers of trials where there are several."""
    seen = Counter(record.environment.get(name, missing) for record in records)
    return ", ".join(value if len(seen) == 1 else f"{value} ({n})" for value, n in sorted(seen.items()))
