"""What every structure encoder is: one set of parameters per member of a list of hierarchies.

Shape suffixes, here and in every model file: B documents, T tokens, D text width, L labels of the
whole hierarchy, N nodes of one member, U nodes of all members one after the other, A labels of one
member that are asked for, C those of all members one after the other, M members, E edges, H node width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from datasets.hierarchy import Hierarchy


@dataclass(frozen=True)
class Member:
    """One hierarchy of the list that a structure encoder is built for.

    Attributes:
        hierarchy: N labels, indexed locally.
        priors: (E,) float32, in the order of `hierarchy.edges`: share of the parent's documents that
            carry the child, normalised over siblings (HiAGM, section 3.2).
        asked: (A,) labels whose logits are asked for. The others are nodes like any, but what would
            classify them is never built.
        part_of: The hierarchy that this one is induced from, its labels bearing the same names; None if it is
            whole. For what must be computed before it is cut, such as HiTIN's global coding tree.
    """

    hierarchy: Hierarchy
    priors: npt.NDArray[np.float32]
    asked: npt.NDArray[np.int64]
    part_of: Hierarchy | None = None

    @property
    def asked_edges(self) -> npt.NDArray[np.int64]:
        """(edges, 2): the edges between labels that are asked for, as places in `asked`."""
        places = np.full(len(self.hierarchy), -1)
        places[self.asked] = np.arange(len(self.asked))
        edges: npt.NDArray[np.int64] = places[self.hierarchy.edges]
        return edges[(edges >= 0).all(axis=1)]


class StructureEncoder(nn.Module):
    """Maps text vectors to one logit per label that is asked for.

    A subclass takes `(members, text_width, *, options)`: its keyword-only parameters are the options
    that a sweep file may set. It knows neither merges nor branches.
    """

    def __init__(self, members: Sequence[Member], text_width: int):
        super().__init__()
        self.members = tuple(members)
        self.text_width = text_width

    def forward(self, text_BD: Tensor) -> Tensor:
        """Returns logits_BC: the asked labels of the members, one member after the other."""
        raise NotImplementedError

    def recursive_penalty(self) -> Tensor:
        """Returns the recursive regularisation, a scalar, summed over members (Gopal and Yang 2013)."""
        raise NotImplementedError
