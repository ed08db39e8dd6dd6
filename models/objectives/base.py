"""What every objective is: how logits become a loss, and how they become probabilities."""

from collections.abc import Sequence

from torch import Tensor, nn

from models.head_spec import Member

NUMERICS = {"objective": 1}


class Objective(nn.Module):
    """The loss of one logit per asked label, and the probabilities that it trains.

    A subclass takes `(members, *, options)`: its keyword-only parameters are the options that a sweep file may
    set. It sees the labels that are asked for, member by member, and knows no model.

    Args:
        members: The list of hierarchies.
    """

    def __init__(self, members: Sequence[Member]):
        super().__init__()
        self.members = tuple(members)

    def terms(self, logits_BC: Tensor, gold_BC: Tensor) -> Tensor:
        """Returns (B, C): what each label of a document adds to the loss, before labels are weighted.

        Args:
            logits_BC: The asked labels of the members, one member after the other.
            gold_BC: 0 or 1, closed under ancestors.
        """
        raise NotImplementedError

    def probabilities(self, logits_BC: Tensor) -> Tensor:
        """Returns (B, C) probabilities of the same labels."""
        raise NotImplementedError
