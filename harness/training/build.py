"""Parts of a trained trial: its device, the documents that it reads, and the model that it trains."""

from dataclasses import dataclass
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
from models import OBJECTIVES, STRUCTURE_ENCODERS, TEXT_ENCODERS
from models.branch_heads import BranchHeads
from models.classifier import Classifier
from models.head_spec import TokenIds, Write, count


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
    """Builds a trial's model on a device, with random numbers from torch's generator.

    The encoder comes first, so that every model and merge of a seed starts from the same one. Raises TooLarge where
    the heads cannot fit into memory.
    """
    encoder = TEXT_ENCODERS[trial.encoder].load()(data.tokens.tokenizer, **trial.encoder_options)
    structure = STRUCTURE_ENCODERS[trial.structure].load()
    objective = OBJECTIVES[trial.objective].load()
    counted = [data.splits["train"].gold] + ([data.splits["val"].gold] if trial.priors == "train+val" else [])
    gold = scipy.sparse.vstack(counted, format="csr")
    describe = partial(_describe_once, data.corpus, tokenizer_of(trial), trial.train_documents)
    heads = partial(
        BranchHeads,
        data.corpus.hierarchy,
        count(data.corpus.hierarchy, gold, describe),
        lambda members: structure(members, structure.width_read(encoder), **trial.structure_options),
        merge=trial.merge,
        split=trial.split,
        objective=lambda members: objective(members, **trial.objective_options),
        combine=trial.combine,
        branch_reduction=trial.branch_reduction,
        coherence=trial.coherence,
        recursive_penalty=trial.trainer.recursive_penalty,
        foreign_rows=trial.foreign_rows,
    )
    refuse_too_large(heads, device, model=trial.model, merge=trial.merge, options=trial.structure_options)
    return Classifier(encoder, heads()).to(device)


@lru_cache(maxsize=4)
def _describe_once(corpus: Corpus, tokenizer: TokenizerKey, train_documents: int, write: Write) -> list[TokenIds]:
    tokens = tokenise_once(corpus, *tokenizer)
    train = _split(corpus, tokens, "train", train_documents)
    written = write(corpus.hierarchy.labels, corpus.texts(train.rows), train.gold)
    return [np.array(one.ids, dtype=np.int64) for one in tokens.tokenizer.encode_batch_fast(written)]


def _split(corpus: Corpus, tokens: Tokens, name: SplitName, train_documents: int) -> Documents:
    rows = corpus.training_rows(train_documents) if name == "train" else corpus.rows(name)
    return Documents(tokens, rows, corpus.labels(rows))
