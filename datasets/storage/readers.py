"""Corpus readers: what is registered of one, its options, and the selection of labels that follows every reader."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, create_model

from harness.core.registry import Component

if TYPE_CHECKING:
    from datasets.storage.documents import CorpusSource

SELECTION = Component("selection", "datasets.storage.label_selection:select_labels")
"""The step after reading; its options are options of every reader that has none of the same name."""


class Reader(Component):
    """A registered corpus reader."""

    @cached_property
    def options(self) -> type[BaseModel]:
        """The options of the reader and of the selection of labels, see `Component.options`."""
        own = super().options
        fields = SELECTION.options.model_fields
        shared: dict[str, Any] = {name: (fields[name].annotation, fields[name]) for name in selection_options(self)}
        return create_model(own.__name__, __base__=own, **shared)


def selection_options(reader: Component) -> list[str]:
    """Returns the options of a corpus that select labels after its reader; one of the reader's own takes precedence."""
    own = Component(reader.name, reader.target).options.model_fields
    return [name for name in SELECTION.options.model_fields if name not in own]


def read_corpus(reader: Component, source: Path | None, options: Mapping[str, Any]) -> "CorpusSource":
    """Reads a corpus and selects its labels.

    Args:
        reader: Entry of the registry.
        source: File or folder to read; None for a built-in corpus.
        options: All options of the reader.

    Raises:
        DataError: When the source is missing or malformed, or no label is left.
    """
    read = reader.load()
    selection = {name: options[name] for name in selection_options(reader)}
    own = {name: value for name, value in options.items() if name not in selection}
    made: CorpusSource = SELECTION.load()(lambda: read(source, **own), **selection)
    return made
