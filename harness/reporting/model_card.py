"""Model card of an exported model: what it is, its scores beside others, its corpus, and what it is not for."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import yaml

from datasets import READERS
from datasets.storage.card import Card
from datasets.storage.description import read_meta
from harness.config.trainer import best_metric
from harness.core.metric_names import HEADLINE
from harness.core.text import listed
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.settings import TrainedSettings, TrialSettings
from harness.trials.store import Record

_LANGUAGES = {"English": "en", "German": "de"}
_METRICS = {"micro_f1": "micro F", "macro_f1": "macro F"}


def model_card(plan: Plan, trial: PlannedTrial, record: Record, finished: Sequence[Record]) -> str:
    """Returns the card as Markdown with the metadata that the Hugging Face hub reads.

    Args:
        plan: The sweep.
        trial: The trial whose model it is.
        record: Its record.
        finished: Records of all finished seeds of its row on its dataset.
    """
    settings = trial.settings
    meta = read_meta(Path(plan.sweep.data_dir) / settings.corpus)
    corpus: Card = import_module(READERS[meta["name"]].module).CARD
    parts = [
        *_what_it_is(plan, trial),
        *_how_to_use(),
        *_scores(plan, trial, record, finished),
        *_corpus(corpus, meta, settings.train_documents),
        *_not_for(corpus),
        *_made_by(record),
    ]
    return f"---\n{yaml.safe_dump(_metadata(corpus, meta, record), sort_keys=False)}---\n\n" + "\n\n".join(parts) + "\n"


def _metadata(corpus: Card, meta: dict[str, Any], record: Record) -> dict[str, Any]:
    language = _LANGUAGES.get(corpus.language)
    own = _own_scores(record)
    found = [{"type": "f1", "name": _METRICS[name], "value": round(own[name], 2)} for name in HEADLINE]
    task = {"type": "text-classification", "name": "Hierarchical multi-label text classification"}
    result = {"task": task, "dataset": {"name": corpus.title, "type": meta["name"]}, "metrics": found}
    return {
        **({"language": language} if language else {}),
        "license": "other",
        "pipeline_tag": "text-classification",
        "tags": ["hierarchical-text-classification", "multi-label-classification"],
        "model-index": [{"name": record.settings["model"], "results": [result]}],
    }


def title(plan: Plan, trial: PlannedTrial) -> str:
    """Returns what a model is called, such as `HiTIN for WOS, merge masking`."""
    label = plan.sweep.models[trial.settings.model].label or trial.settings.model
    dataset = plan.sweep.datasets[trial.settings.dataset].label or trial.settings.dataset
    return f"{label} for {dataset}" + ("" if trial.settings.merge == "none" else f", merge {trial.settings.merge}")


def _what_it_is(plan: Plan, trial: PlannedTrial) -> Iterator[str]:
    settings = trial.settings
    yield f"# {title(plan, trial)}"
    yield "It gives a text the labels of a hierarchy, each with a value from 0 to 1. It is made of"
    parts = [f"* {part.name}: {part.summary}" for part in settings.components]
    if isinstance(settings, TrainedSettings) and settings.merge != "none":
        parts.append(f"* merge {settings.merge}: a head for each branch of the hierarchy, whose values are combined")
    yield "\n".join(parts)


def _how_to_use() -> Iterator[str]:
    yield "## How to use it"
    yield '    python -m harness.predict FOLDER --text "..."'
    yield "or in Python"
    yield '    from models.load import load\n    load("FOLDER").predict(["..."])'
    yield (
        "`thresholds.json` has the thresholds of each decision rule: 0.5, one chosen on validation documents, one per "
        "label, and `confident`, above which 90 % of the labels of validation documents were right. 0.5 is used unless "
        "another is named."
    )


def _scores(plan: Plan, trial: PlannedTrial, record: Record, finished: Sequence[Record]) -> Iterator[str]:
    """Yields the table of scores: this model, its row over seeds, and the linear baseline where it was run."""
    yield "## Scores on the test documents"
    rows = [
        ("", *_METRICS.values()),
        ("---", *("---:" for _ in _METRICS)),
        (f"this model, seed {trial.settings.seed}", *(f"{_own_scores(record)[name]:.2f}" for name in HEADLINE)),
        (f"all finished seeds, n = {len(finished)}", *(_mean(finished, name) for name in HEADLINE)),
        *_baseline(plan, trial),
    ]
    yield "\n".join(f"| {' | '.join(row)} |" for row in rows)
    said = (
        f"F in points by the rule 0.5, over all labels; mean ± standard deviation over seeds. This seed is the best of "
        f"{len(finished)} on validation documents, so that its own score may be a little too good for a new seed."
    )
    yield said if len(finished) > 1 else "F in points by the rule 0.5, over all labels; of one run."
    if trial.settings.select == "per_metric" and isinstance(trial.settings, TrainedSettings):
        yield (
            "This model is that of the epoch with the best micro F on validation; means over seeds take macro F from "
            "the epoch that was best for it."
        )


def _own_scores(record: Record) -> Mapping[str, float]:
    """Returns the scores of the weights that were kept: those of one epoch, also where each metric has its own."""
    return record.selected[best_metric(TrialSettings.read(record.settings).select)]


def _mean(records: Sequence[Record], name: str) -> str:
    values = [one.scores[name] for one in records]
    return f"{fmean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")


def _baseline(plan: Plan, trial: PlannedTrial) -> Iterator[tuple[str, ...]]:
    for model in plan.sweep.linear:
        records = [
            one.record
            for one in plan.trials
            if one.record and (one.settings.model, one.settings.dataset) == (model, trial.settings.dataset)
        ]
        if records and model != trial.settings.model:
            yield "linear SVM on TF-IDF, for comparison", *(_mean(records, name) for name in HEADLINE)


def _corpus(corpus: Card, meta: dict[str, Any], train_documents: int) -> Iterator[str]:
    yield "## What it learnt from"
    counts = meta["counts"]
    some = f", of which it learnt from {train_documents:,}" if train_documents else ""
    lines = [
        f"* **Corpus**: {corpus.title} (`{meta['name']}`), {corpus.summary.rstrip('.')}",
        f"* **Size**: {counts['documents']:,} documents, {counts['labels']:,} labels{some}",
        f"* **Fingerprint**: {meta['fingerprint']}",
        f"* **Terms of the texts**: {corpus.licence}",
        *([f"* **Cite**: {corpus.citation}"] if corpus.citation else []),
        *(f"* **Beware**: {trap}" for trap in corpus.traps),
        *(f"* **Note**: {note}" for note in meta["notes"]),
    ]
    yield "\n".join(lines)


def _not_for(corpus: Card) -> Iterator[str]:
    yield "## What it must not be used for"
    texts = (
        f"Texts unlike its corpus: of another kind or language than {corpus.language}, or prepared otherwise (cut, say)"
    )
    lines = [
        f"* {texts}.",
        "* Labels that are not in its hierarchy: every text gets values for these labels and no others.",
        "* Texts that belong nowhere: they get values all the same.",
        "* Decisions about people, or any that nobody checks: no value is a guarantee; rare labels are often missed.",
        "* Whatever the terms of its texts do not allow.",
    ]
    yield "\n".join(lines)


def _made_by(record: Record) -> Iterator[str]:
    yield "## How it was made"
    facts = {name: record.environment.get(name, "") for name in ("commit", "device", "precision")}
    said = [f"{name} {value}" for name, value in facts.items() if value]
    yield (
        f"Trial `{record.key}`, finished {record.finished}: {listed(said)}. Every setting and score is in "
        "`record.json`; `sha256sum --check SHA256SUMS` checks the files."
    )
