"""Base class of systems: classifiers that are fitted at once, or whose predictions were made elsewhere."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import scipy.sparse

from datasets.storage.hierarchy import Hierarchy

NUMERICS = {"system": 1}


class Texts(Protocol):
    """Documents of a split; see `datasets.storage.texts`."""

    @property
    def gold(self) -> scipy.sparse.csr_array:
        """Labels of each document, (documents, L) booleans, closed under ancestors."""

    @property
    def doc_ids(self) -> list[str]:
        """Name of each document."""

    def __iter__(self) -> Iterator[str]: ...

    def __len__(self) -> int: ...


class System:
    """Maps texts to a value for each label, after it has been fitted.

    A subclass takes `(hierarchy, *, options)`: its keyword-only parameters are the options that a sweep file may set.
    Its file says `DETERMINISTIC = False` where its numbers change with the seed, and `READS_VECTORS = True` where it
    can read a text encoder's vectors in place of texts.

    Args:
        hierarchy: Labels of the corpus.
    """

    num_parameters = 0

    def __init__(self, hierarchy: Hierarchy):
        self.hierarchy = hierarchy

    @classmethod
    def try_out(cls, options: Mapping[str, Any], encoder: Any = None) -> None:
        """Refuses options with which every trial would fail, with ConfigError; called before the first trial."""

    def check(self, valid: Texts, test: Texts, seed: int) -> None:
        """Refuses a corpus that the system cannot be used on, with DataError; called before the first trial."""

    def fit(self, train: Texts, valid: Texts, seed: int) -> dict[str, str]:
        """Fits on training documents, with choices made on validation documents; returns facts for the record."""
        raise NotImplementedError

    def values(self, texts: Texts) -> scipy.sparse.csr_array:
        """Returns a value in [0, 1] for each label, (documents, L); a label is predicted where it is above 0.5."""
        raise NotImplementedError
