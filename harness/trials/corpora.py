"""The corpora that a sweep's trials read: their cards, and the refusal of missing ones."""

import textwrap
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from datasets import READERS
from datasets.storage.card import Card
from harness.config.schema import SweepFile
from harness.core.errors import DataError
from harness.trials.plan import Plan


def card(sweep: SweepFile, dataset: str) -> Card:
    """Returns the card of a sweep's dataset."""
    found: Card = import_module(READERS[sweep.datasets[dataset].reader or dataset].module).CARD
    return found


def refuse_missing_corpora(plan: Plan) -> None:
    """Raises DataError with one paragraph per corpus: what to get, from whom, and how to prepare it."""
    if not plan.problems:
        return
    paragraphs = []
    for dataset, problem in plan.problems.items():
        about = card(plan.sweep, dataset)
        source = "" if about.builtin else f" {about.obtain} Terms: {about.licence}"
        paragraphs.append(textwrap.fill(f"{about.title}: {problem}{source}", 110, break_long_words=False))
    names = ", ".join(plan.problems)
    raise DataError(f"{len(paragraphs)} of the sweep's corpora cannot be used: {names}.\n\n" + "\n\n".join(paragraphs))


def without_builtin(plan: Plan) -> Plan:
    """Returns the plan without the problems of corpora that are made on the spot."""
    problems = {name: text for name, text in plan.problems.items() if not card(plan.sweep, name).builtin}
    return replace(plan, problems=problems)


def prepare_builtin(sweep: SweepFile, plan: Plan) -> None:
    """Makes, or makes anew, the corpora that need no source."""
    from datasets.prepare import prepare  # Arrow, only where something may be prepared

    for dataset in {trial.trial.dataset for trial in plan.trials}:
        entry = sweep.datasets[dataset]
        if card(sweep, dataset).builtin:
            prepare(entry.reader or dataset, None, entry.options, Path(sweep.data_dir))
