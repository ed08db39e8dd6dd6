"""Corpora of a sweep: refuses missing ones, prepares built-in ones."""

import textwrap
from importlib import import_module
from pathlib import Path

from datasets import READERS
from datasets.storage.card import Card
from harness.config.schema import SweepFile
from harness.core.errors import DataError
from harness.trials.plan import Plan
from harness.trials.settings import FittedSettings
from models import SYSTEMS


def card(sweep: SweepFile, dataset: str) -> Card:
    """Returns the card of a sweep's dataset."""
    return import_module(READERS[sweep.datasets[dataset].reader or dataset].module).CARD


def refuse_missing(plan: Plan, but_builtin: bool = False) -> None:
    """Raises DataError with one paragraph per corpus of the selected trials: what to get, whence, how to prepare it.

    With `but_builtin`, corpora that are made on the spot may still be missing.
    """
    cards = {dataset: card(plan.sweep, dataset) for dataset in plan.problems}
    missing = {dataset: about for dataset, about in cards.items() if not (but_builtin and about.builtin)}
    if not missing:
        return
    paragraphs = []
    for dataset, about in missing.items():
        source = "" if about.builtin else f" {about.obtain} Terms: {about.licence}"
        problem = f"{about.title}: {plan.problems[dataset]}{source}"
        paragraphs.append(textwrap.fill(problem, 110, break_long_words=False, break_on_hyphens=False))
    raise DataError(
        f"{len(missing)} of the sweep's corpora cannot be used: {', '.join(missing)}.\n\n" + "\n\n".join(paragraphs)
    )


def refuse_unfit(plan: Plan) -> None:
    """Raises DataError where files that systems read do not fit the corpora of trials that are still to run."""
    from datasets.storage.corpus import open_corpus  # Arrow, only where something is read
    from datasets.storage.texts import Texts

    for one in plan.of_state("new"):
        trial = one.settings
        if isinstance(trial, FittedSettings) and (part := SYSTEMS[trial.system]).sources:
            corpus = open_corpus(Path(plan.sweep.data_dir) / trial.corpus)
            system = part.load()(corpus.hierarchy, **trial.system_options)
            system.check(Texts.of(corpus, "val"), Texts.of(corpus, "test"), trial.seed)


def prepare_builtin(plan: Plan) -> None:
    """Prepares the corpora of the selected trials that need no source, where they are missing or out of date."""
    from datasets.prepare import prepare  # Arrow, only where something may be prepared

    for dataset in {one.settings.dataset for one in plan.selected}:
        entry = plan.sweep.datasets[dataset]
        if card(plan.sweep, dataset).builtin:
            prepare(entry.reader or dataset, None, entry.options, Path(plan.sweep.data_dir))
