"""Writes a sweep's report again, from what is stored: no torch, no Ray.

With `--filter` the report of those trials is printed in place of being written; where it tests anything it is a look:

    python -m harness.report sweeps/quickstart.yaml --filter model=hitin
"""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from datasets.storage.description import read_meta
from datasets.storage.label_groups import label_groups
from harness.analysis.findings import Summary
from harness.analysis.inputs import DatasetFacts, Facts, Outcome
from harness.analysis.summarise import summarise
from harness.config.arguments import add_sweep
from harness.config.load import load
from harness.core.environment import environment
from harness.core.errors import StoreError
from harness.core.files import write_atomically
from harness.reporting import checklist, figures, markdown
from harness.reporting.predictions import read_samples
from harness.stats.document_sample import Resampling
from harness.trials.corpora import card
from harness.trials.plan import Plan, Planned, make_plan
from harness.trials.preregistration import num_looks, registration
from harness.trials.store import Record

FIGURES = "fig"
"""Folder of the figures, below that of the reports."""

BANNER = (
    "This report is made from a built-in corpus: it shows that the harness works, and is not a result on a "
    "research benchmark."
)

_SELECTION = {
    "per_metric": "micro F from the epoch with the best validation micro F, macro F from the one with the best "
    "validation macro F; other metrics from the former",
    "micro": "every metric from the epoch with the best validation micro F",
    "macro": "every metric from the epoch with the best validation macro F",
}


def summarise_plan(plan: Plan, is_interim: bool = False) -> Summary:
    """Reads every planned trial's record and computes the summary of the sweep.

    Args:
        plan: The sweep; what is compared and corrected is that of the whole one, also where it is filtered.
        is_interim: Whether this only shows how far a running sweep is: predictions are not read, and it is no look.
    """
    records = {planned.key: planned.record for planned in plan.trials if planned.record}
    outcomes = [_outcome(planned, planned.record) for planned in plan.trials if planned.state != "new"]
    samples = {} if is_interim else read_samples(plan, Resampling())
    return summarise(plan.sweep, outcomes, _facts(plan, list(records.values()), is_interim), samples)


def _outcome(planned: Planned, record: Record | None) -> Outcome:
    trial = planned.trial
    return Outcome(
        model=trial.model,
        merge=trial.merge,
        dataset=trial.dataset,
        seed=trial.seed,
        scores=record.scores if record else None,
        failure=None if record else planned.why,
        seconds=record.train_seconds if record else None,
        num_parameters=sum(record.num_parameters.values()) if record else None,
        predictions_sha256=record.predictions_sha256 if record else None,
        key=planned.key,
        micro_batches=record.micro_batches if record else 1,
        made_on=_made_on(record.environment) if record else "",
        num_epochs=record.num_epochs if record else 1,
        best_epoch=int(record.selected.get("micro_f1", {}).get("epoch", record.num_epochs)) if record else 1,
    )


def _made_on(facts: Mapping[str, str]) -> str:
    """Returns what two runs must share to be compared: commit, device and arithmetic, and on CPUs the CPU.

    Runs of unknown commits, or of one with the same uncommitted changes in the same files, count as alike: what
    alters numbers raises a NUMERICS constant, and is then another trial.
    """
    names = ("commit", "device", "precision", *(["cpu"] if facts.get("device") == "cpu" else []))
    return ", ".join(facts.get(name, "unknown") for name in names)


def _facts(plan: Plan, records: Sequence[Record], is_interim: bool) -> Facts:
    sweep = plan.sweep
    planned_datasets = {planned.trial.dataset for planned in plan.trials}
    known = [dataset for dataset in sweep.datasets if dataset in planned_datasets - plan.problems.keys()]
    builtin = any(card(sweep, dataset).builtin for dataset in sweep.datasets)
    rules = {_SELECTION[planned.trial.trainer.select] for planned in plan.trials}
    whole = make_plan(sweep) if plan.filters else plan
    return Facts(
        banner=BANNER if builtin else None,
        dataset_facts={dataset: _dataset_facts(plan, dataset) for dataset in known},
        provenance=_provenance(records),
        selection=" / ".join(sorted(rules)),
        looks=num_looks(whole, is_tested=not is_interim and _is_tested(plan)),
        registration=registration(whole),
        only=_only(plan, whole),
    )


def _only(plan: Plan, whole: Plan) -> str:
    if not plan.filters:
        return ""
    num_run = len(plan.trials) - len(plan.of_state("new"))
    return (
        f"Only the trials of --filter {' '.join(plan.filters)}: {len(plan.trials)} of the {len(whole.trials)} planned "
        f"ones, of which {num_run} have run. Whatever is compared with the others is missing here."
    )


def _is_tested(plan: Plan) -> bool:
    """Returns whether two merges of a model have two runs each on a dataset, so that a report tests something."""
    finished = {cell: sum(one.record is not None for one in trials) for cell, trials in plan.cells().items()}
    repeated = Counter((model, dataset) for (model, _, dataset), num in finished.items() if num > 1)
    return any(num > 1 for num in repeated.values())


def _dataset_facts(plan: Plan, dataset: str) -> DatasetFacts:
    trials = [planned for planned in plan.trials if planned.trial.dataset == dataset]
    folder = Path(plan.sweep.data_dir) / trials[0].trial.corpus
    meta = read_meta(folder)
    counts = meta["counts"]
    subset = plan.sweep.datasets[dataset].train_documents
    trained = (f"Every trial is trained on the same {subset:,} of the training documents.",) if subset else ()
    return DatasetFacts(
        label=card(plan.sweep, dataset).name,
        num_labels=counts["labels"],
        num_branches=len(counts["branches"]),
        num_documents=counts["splits"],
        fingerprint=meta["fingerprint"],
        notes=(*meta["notes"], *trained),
        label_groups=_label_groups(folder, subset) if any(one.record for one in trials) else {},
    )


def _label_groups(folder: Path, train_documents: int) -> dict[str, tuple[int, int]]:
    from datasets.storage.corpus import Corpus  # Arrow, only where there is something to describe

    corpus = Corpus.open(folder)
    trained, tested = (
        corpus.labels(rows).sum(axis=0) for rows in (corpus.training_rows(train_documents), corpus.rows("test"))
    )
    groups = label_groups(trained)
    return {name: (int(group_L.sum()), int((group_L & (tested > 0)).sum())) for name, group_L in groups.items()}


def _provenance(records: Sequence[Record]) -> dict[str, str]:
    """Returns what the trials were made with, counted where they differ."""
    facts: dict[str, str] = {}
    for name in ("commit", "device", "precision", "cpu", "python", "torch", "torch-geometric", "transformers", "ray"):
        seen = Counter(record.environment.get(name, "unknown") for record in records)
        facts[name] = ", ".join(value if len(seen) == 1 else f"{value} ({n})" for value, n in sorted(seen.items()))
    whole, training = sum(r.seconds for r in records), sum(r.train_seconds for r in records)
    facts["trial hours"] = f"{whole / 3600:.2f}, of which training steps {training / 3600:.2f}"
    facts["last trial"] = max((record.finished for record in records), default="none")
    here = environment()
    versions = f"numpy {here['numpy']}, scipy {here['scipy']}"
    facts["report by"] = f"commit {here['commit']} on {datetime.now(UTC):%Y-%m-%d}, {versions}"
    return facts


def write(summary: Summary, folder: Path) -> Path:
    """Writes NAME.md, .tex, .csv, .json, NAME-cells.csv, NAME-deltas.csv, fig/NAME-* and the reproducibility page.

    NAME-groups.csv comes with them where a corpus has labels of few training documents or none.

    Returns:
        The path of the first.

    Raises:
        StoreError: Where the folder cannot be written.
    """
    name = summary.sweep.name
    drawings = list(figures.draw(summary))
    files = {
        f"{name}.md": markdown.markdown(summary, [_shown(name, drawing) for drawing in drawings]),
        f"{name}.tex": markdown.latex(summary),
        f"{name}.csv": markdown.csv(summary),
        f"{name}-cells.csv": markdown.cells_csv(summary),
        f"{name}-deltas.csv": markdown.deltas_csv(summary),
        f"{name}.json": markdown.json_text(summary),
    }
    if summary.label_groups:
        files[f"{name}-groups.csv"] = markdown.label_groups_csv(summary)
    try:
        (folder / FIGURES).mkdir(parents=True, exist_ok=True)
        for drawing in drawings:
            for ending, content in figures.encoded(drawing).items():
                write_atomically(folder / FIGURES / f"{name}-{drawing.name}.{ending}", content)
            files[f"{FIGURES}/{name}-{drawing.name}.csv"] = markdown.csv_text(drawing.rows)
        page = folder / "reproducibility.md"
        files[page.name] = checklist.updated(page.read_text("utf-8") if page.exists() else "", summary)
        for file, text in files.items():
            write_atomically(folder / file, text.encode())
    except OSError as error:
        raise StoreError(f"The report cannot be written to {folder} ({error.strerror}); see `reports_dir:`.") from None
    return folder / f"{name}.md"


def _shown(name: str, drawing: figures.Drawing) -> str:
    place = f"{FIGURES}/{name}-{drawing.name}"
    return f"![{drawing.name}]({place}.png)\n\n{drawing.caption} [SVG]({place}.svg), [numbers]({place}.csv)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the report of what is stored, complete or not."""
    parser = argparse.ArgumentParser(prog="python -m harness.report", description=(__doc__ or "").partition("\n")[0])
    add_sweep(parser)
    chosen = parser.parse_args(arguments)
    sweep = load(chosen.sweep)
    plan = make_plan(sweep, chosen.filter)
    summary = summarise_plan(plan)
    print(markdown.markdown(summary) if chosen.filter else write(summary, Path(sweep.reports_dir)))
    return 1 if plan.of_state("failed") or plan.of_state("new") else 0
