"""What the benchmarks train: label hierarchies of the corpora's shapes, documents of their lengths, encoders of
two sizes. Nothing is downloaded: weights are random, words are made up, and speed depends on neither.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import scipy.sparse
import torch
import transformers
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from datasets.storage.batches import shuffle_into_batches
from datasets.storage.hierarchy import Hierarchy
from datasets.storage.tokens import Tokens
from harness.config.trainer import TrainerSettings
from harness.training import train
from harness.training.evaluate import Documents
from models import STRUCTURE_ENCODERS, Merge
from models.branch_heads import BranchHeads
from models.classifier import Classifier
from models.head_spec import HeadSpec, count
from models.structure_encoders.base import StructureEncoder
from models.text_encoders.transformer import Transformer

Shape = Literal["wos", "rcv1", "nyt"]
Size = Literal["tiny", "base"]

BRANCHES = {"wos": (18, 54, 12, 17, 10, 10, 20), "rcv1": (34, 26, 33, 10), "nyt": (62, 7, 23, 74)}
"""Labels of each branch, its own included."""

PARENTS = {"wos": 1, "rcv1": 7, "nyt": 15}
"""Labels of a branch that have children, at most."""

MAX_LENGTH = 300
LABELS_PER_DOCUMENT = 2
_VOCABULARY = 30_522
_SIZES: dict[Size, dict[str, int]] = {
    "tiny": {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 512},
    "base": {},
}


@dataclass(frozen=True)
class Case:
    """What is trained, and how often.

    Attributes:
        size: Of the encoder.
        shape: Of the hierarchy.
        structure: Registered structure encoder.
        width: Width of its nodes.
        steps: In a measurement.
        rounds: Measurements.
    """

    size: Size
    shape: Shape
    structure: str
    width: int
    steps: int
    rounds: int

    @property
    def fits_together(self) -> bool:
        """Whether some variants are in memory at once; of bert-base each takes up to 7 GB."""
        return self.size == "tiny"

    @property
    def name(self) -> str:
        encoder = {"tiny": "tiny", "base": "bert-base"}[self.size]
        model = {"hitin": "HiTIN", "hiagm": "HiAGM"}[self.structure]
        return f"{encoder}, {model}, {self.shape.upper()} ({len(BRANCHES[self.shape])})"


def hierarchy(shape: Shape) -> Hierarchy:
    """Returns a forest with a corpus's branch sizes; each label hangs below one of its branch's first ones."""
    generator = np.random.default_rng(0)
    edges = []
    start = 0
    for size in BRANCHES[shape]:
        above = [int(generator.integers(min(i, PARENTS[shape]))) for i in range(1, size)]
        edges += [(start + parent, start + i) for i, parent in enumerate(above, start=1)]
        start += size
    return Hierarchy([f"label {i}" for i in range(start)], edges)


def config(size: Size) -> BertConfig:
    """Returns a BERT: 2 layers of width 128, or bert-base."""
    return BertConfig(vocab_size=_VOCABULARY, **_SIZES[size])


@dataclass(frozen=True)
class Texts:
    """Texts with tokens and labels.

    Attributes:
        texts: Made-up words.
        split: The same as the trainer takes it.
        hierarchy: Of the labels.
    """

    texts: list[str]
    split: Documents
    hierarchy: Hierarchy


def documents(shape: Shape, num: int, tokenizer: Tokenizer) -> Texts:
    """Returns documents of 248 tokens on average, cut at 300 (WOS), with random closed labels."""
    graph = hierarchy(shape)
    generator = np.random.default_rng(1)
    lengths = generator.normal(258, 62, num).clip(30, None).astype(int)
    texts = [" ".join(f"w{word}" for word in generator.integers(0, _VOCABULARY - 10, length)) for length in lengths]
    ids = [np.array(one.ids, dtype=np.int32) for one in tokenizer.encode_batch(texts)]
    offsets = np.cumsum([0, *map(len, ids)])
    drawn = scipy.sparse.csr_array(generator.random((num, len(graph))) < LABELS_PER_DOCUMENT / len(graph))
    gold = scipy.sparse.csr_array(drawn.astype(np.float32) @ graph.ancestors.astype(np.float32) > 0)
    return Texts(texts, Documents(Tokens(tokenizer, np.concatenate(ids), offsets), np.arange(num), gold), graph)


def encoder(size: Size, **options: Any) -> tuple[Transformer, Tokenizer]:
    """Returns a text encoder with random weights, as the registered `transformer` loads it from a folder."""
    transformers.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(_VOCABULARY - 5))]
        (folder / "vocab.txt").write_text("\n".join(words), "utf-8")
        (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}), "utf-8")
        BertModel(config(size)).save_pretrained(folder)
        chosen = {"model": str(folder), "revision": "main", "max_length": MAX_LENGTH, "prefix": ""}
        tokenizer = Transformer.build_tokenizer([], chosen)
        return Transformer(tokenizer, model=str(folder), max_length=MAX_LENGTH, **options), tokenizer


class Looped(StructureEncoder):
    """One structure encoder after the other, one for each spec of the list: the plain way."""

    def __init__(self, kind: Any, specs: Sequence[HeadSpec], text_width: int, **options: Any):
        super().__init__(specs, text_width)
        self.singles = nn.ModuleList(kind([spec], text_width, **options) for spec in specs)

    def forward(self, text_BD: Tensor) -> Tensor:
        return torch.cat([single(text_BD) for single in self.singles], dim=1)

    def recursive_penalty(self) -> Tensor:
        return torch.stack([single.recursive_penalty() for single in self.singles]).sum()


def classifier(
    text: Any, found: Texts, structure: str, merge: Merge, is_looped: bool = False, **options: Any
) -> Classifier:
    """Returns a text encoder with branch heads behind it."""
    kind = STRUCTURE_ENCODERS[structure].load()

    def build(specs: Sequence[HeadSpec]) -> StructureEncoder:
        return Looped(kind, specs, text.width, **options) if is_looped else kind(specs, text.width, **options)

    heads = BranchHeads(
        found.hierarchy,
        count(found.hierarchy, found.split.gold),
        build,
        merge=merge,
        branch_reduction="mean_local" if merge == "projection" else "mean_global",
    )
    return Classifier(text, heads)


class Training:
    """The trainer's own steps over documents, a few at a time."""

    def __init__(self, model: Classifier, found: Texts, batch_size: int, precision: Literal["fp32", "bf16"] = "fp32"):
        self.settings = TrainerSettings(
            batch_size=batch_size, epochs=1000, encoder_lr=2e-5, head_lr=1e-4, precision=precision
        )
        self.model, self.split = model, found.split
        self.optimizer = train._optimizer(model, self.settings)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda step: 1.0)
        lengths = found.split.tokens.lengths[found.split.rows]
        self.batches = shuffle_into_batches(lengths, batch_size, [0, 0])
        self.place = 0

    def steps(self, num: int) -> None:
        """Trains on the next batches."""
        chosen = [self.batches[(self.place + i) % len(self.batches)] for i in range(num)]
        self.place += num
        train._train_epoch(self.model, self.settings, self.split, self.optimizer, self.scheduler, chosen)
