"""Parts of a trained trial: its device, the documents that it reads, and the model that it trains."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache, partial

import numpy as np
import scipy.sparse
import torch

from datasets.storage.corpus import Corpus
from datasets.storage.documents import SPLITS, SplitName
from datasets.storage.tokens import Tokens
from harness.core.errors import UserError
from harness.training.evaluate import Documents
from harness.training.memory import refuse_too_large
from harness.training.tokenised import TokenizerKey, tokenise_once, tokenizer_of
from harness.trials.settings import TrainedSettings
from models.branch_heads import BranchHeads
from models.classifier import Architecture, Classifier
from models.head_spec import LabelFacts, TokenIds, Write, count


@dataclass(frozen=True)
class Data:
    """A corpus as a trial reads it, with as many training documents as the trial asks for."""

    corpus: Corpus
    tokens: Tokens
    splits: dict[SplitName, Documents]

    @classmethod
    def open(cls, trial: TrainedSettings, corpus: Corpus) -> "Data":
        """Opens the tokens of a trial's corpus; a worker keeps them for its next trial."""
        tokens = tokenise_once(corpus, *tokenizer_of(trial))
        return cls(corpus, tokens, {name: _split(corpus, tokens, name, trial.train_documents) for name in SPLITS})


def device_of(trial: TrainedSettings) -> torch.device:
    """Returns where to train, with the rules that hold there set; UserError where a GPU is wanted and not there."""
    wanted = trial.resources.gpus
    if wanted == "auto":
        wanted = float(torch.cuda.is_available())
    if not wanted:
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise UserError(
            f"A trial wants {wanted:g} GPUs and torch {torch.__version__} sees none here. Set "
            "`resources: {gpus: 0}` in the sweep file, or install torch's CUDA build."
        )
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    # Or what one process keeps for later would be missing to the others on the device.
    torch.cuda.set_per_process_memory_fraction(min(1.0, wanted))
    return torch.device("cuda")


def build(trial: TrainedSettings, data: Data, device: torch.device) -> Classifier:
    """Builds a trial's model on a device, with random numbers from torch's generator; see `Classifier.assemble`.

    Raises TooLarge where the heads cannot fit into memory.
    """

    def check(heads: Callable[[], BranchHeads]) -> None:
        refuse_too_large(heads, device, model=trial.model, merge=trial.merge, options=trial.structure_options)

    made_of, facts = architecture(trial), facts_of(trial, data)
    return Classifier.assemble(made_of, data.tokens.tokenizer, data.corpus.hierarchy, facts, check).to(device)


def architecture(trial: TrainedSettings) -> Architecture:
    """Returns what a trial's model is made of."""
    settings = {**vars(trial), "recursive_penalty": trial.trainer.recursive_penalty}
    return Architecture(**{field.name: settings[field.name] for field in fields(Architecture)})


def facts_of(trial: TrainedSettings, data: Data) -> LabelFacts:
    """Returns the counts of the documents that a trial's priors are taken from."""
    counted = [data.splits["train"].gold] + ([data.splits["val"].gold] if trial.priors == "train+val" else [])
    gold = scipy.sparse.vstack(counted, format="csr")
    describe = partial(_describe_once, data.corpus, tokenizer_of(trial), trial.train_documents)
    return count(data.corpus.hierarchy, gold, describe)


@lru_cache(maxsize=4)
def _describe_once(corpus: Corpus, tokenizer: TokenizerKey, train_documents: int, write: Write) -> list[TokenIds]:
    tokens = tokenise_once(corpus, *tokenizer)
    train = _split(corpus, tokens, "train", train_documents)
    written = write(corpus.hierarchy.labels, corpus.texts(train.rows), train.gold)
    return [np.array(one.ids, dtype=np.int64) for one in tokens.tokenizer.encode_batch_fast(written)]


def _split(corpus: Corpus, tokens: Tokens, name: SplitName, train_documents: int) -> Documents:
    rows = corpus.training_rows(train_documents) if name == "train" else corpus.rows(name)
    return Documents(tokens, rows, corpus.labels(rows))
