"""Text classifier: a text encoder with branch heads behind it, which is what a trial trains."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from datasets.storage.hierarchy import Hierarchy
from models import (
    OBJECTIVES,
    STRUCTURE_ENCODERS,
    TEXT_ENCODERS,
    BranchReduction,
    Coherence,
    Combine,
    HeadSplit,
    Merge,
)
from models.branch_heads import BranchHeads
from models.head_spec import LabelFacts
from models.text_encoders.base import TextEncoder, TextTokenizer, TokenBatch

NUMERICS = {"classifier": 1}


@dataclass(frozen=True)
class Architecture:
    """What a classifier is made of: its parts by name, every option of each, and how branch heads are merged."""

    encoder: str
    encoder_options: dict[str, Any]
    structure: str
    structure_options: dict[str, Any]
    objective: str
    objective_options: dict[str, Any]
    merge: Merge
    split: HeadSplit
    combine: Combine
    branch_reduction: BranchReduction
    coherence: Coherence
    foreign_rows: bool
    recursive_penalty: float


class Classifier(nn.Module):
    """Maps tokens to logits of every head's labels.

    Args:
        text_encoder: Encoder of the tokens.
        heads: Branch heads; their structure encoder decides what it reads of the text encoder.
    """

    def __init__(self, text_encoder: TextEncoder, heads: BranchHeads):
        super().__init__()
        self.text_encoder = text_encoder
        self.heads = heads

    @classmethod
    def assemble(
        cls,
        made_of: Architecture,
        tokenizer: TextTokenizer,
        hierarchy: Hierarchy,
        facts: LabelFacts,
        check: Callable[[Callable[[], BranchHeads]], None] = lambda heads: None,
    ) -> "Classifier":
        """Builds a classifier on the CPU, with random numbers from torch's generator.

        The encoder comes first, so that every model and merge of a seed starts from the same one.

        Args:
            made_of: Its parts.
            tokenizer: Tokeniser of the text encoder.
            hierarchy: Its L labels.
            facts: Counts of documents for these labels.
            check: Refuses heads before they are built, given their constructor.
        """
        encoder = TEXT_ENCODERS[made_of.encoder].load()(tokenizer, **made_of.encoder_options)
        structure = STRUCTURE_ENCODERS[made_of.structure].load()
        objective = OBJECTIVES[made_of.objective].load()
        heads = partial(
            BranchHeads,
            hierarchy,
            facts,
            lambda members: structure(members, structure.width_read(encoder), **made_of.structure_options),
            merge=made_of.merge,
            split=made_of.split,
            objective=lambda members: objective(members, **made_of.objective_options),
            combine=made_of.combine,
            branch_reduction=made_of.branch_reduction,
            coherence=made_of.coherence,
            recursive_penalty=made_of.recursive_penalty,
            foreign_rows=made_of.foreign_rows,
        )
        check(heads)
        return cls(encoder, heads())

    def forward(self, tokens: TokenBatch) -> Any:
        """Returns the heads' output: logits_BC for most models."""
        return self.heads(self.heads.structure.read(self.text_encoder, tokens))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    @property
    def fewest_documents(self) -> int:
        """How few documents a training step may see: two where it takes their statistics."""
        return 2 if any("running_mean" in name for name, _ in self.named_buffers()) else 1

    @property
    def num_parameters(self) -> dict[str, int]:
        """Number of trainable parameters of each part."""
        parts = {"encoder": self.text_encoder, "heads": self.heads}
        return {name: sum(one.numel() for one in part.parameters()) for name, part in parts.items()}
