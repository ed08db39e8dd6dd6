"""The corpora that a sweep's trials read: their cards, and the refusal of missing ones."""

import textwrap
from importlib import import_module

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
