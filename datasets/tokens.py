"""A corpus as word pieces: made once per tokeniser, memory-mapped by every trial of a node."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from filelock import FileLock
from tokenizers import Tokenizer

from datasets.corpus import Corpus

_DOCUMENTS_AT_ONCE = 1000


@dataclass(frozen=True)
class Tokens:
    """The word pieces of every document of a corpus.

    Attributes:
        tokenizer: The tokeniser that made them.
        ids: (sum of lengths,) int32, memory-mapped.
        offsets: (documents + 1,) int64; document d is `ids[offsets[d]:offsets[d + 1]]`.
    """

    tokenizer: Tokenizer
    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(documents,) number of word pieces."""
        return np.diff(self.offsets)

    def gather(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Returns the ids of some documents one after the other, and their offsets (rows + 1)."""
        pieces = [self.ids[self.offsets[row] : self.offsets[row + 1]] for row in rows.tolist()]
        offsets = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])])
        return np.concatenate(pieces).astype(np.int64), offsets


def tokenise(
    corpus: Corpus, name: str, options: Mapping[str, Any], build: Callable[[Iterable[str]], Tokenizer]
) -> Tokens:
    """Opens the corpus's tokens, making them first where they are not there yet.

    Args:
        corpus: The prepared corpus; its folder holds the tokens.
        name: The text encoder.
        options: Its options that decide how texts are tokenised.
        build: Makes the tokeniser from the training texts.
    """
    said = json.dumps([corpus.fingerprint, name, dict(options)], sort_keys=True)
    folder = corpus.folder / "tokens"
    stem = folder / f"{name}-{hashlib.sha256(said.encode()).hexdigest()[:12]}"
    arrow, vocabulary = stem.with_suffix(".arrow"), stem.with_suffix(".json")
    folder.mkdir(exist_ok=True)
    with FileLock(stem.with_suffix(".lock")):
        # The Arrow file comes last and by a rename: where it stands, both are whole.
        if not arrow.exists():
            tokenizer = build(corpus.texts(corpus.rows("train")))
            tokenizer.save(str(vocabulary))
            _write(corpus, tokenizer, arrow)
    column = pa.ipc.open_file(pa.memory_map(str(arrow))).read_all().column("ids").chunk(0)
    return Tokens(
        Tokenizer.from_file(str(vocabulary)),
        column.values.to_numpy(zero_copy_only=True),
        column.offsets.to_numpy(zero_copy_only=True),
    )


def _write(corpus: Corpus, tokenizer: Tokenizer, path: Path) -> None:
    texts = iter(corpus.texts(np.arange(corpus.num_documents)))
    pieces: list[npt.NDArray[np.int32]] = []
    while some := list(islice(texts, _DOCUMENTS_AT_ONCE)):
        pieces += [np.array(encoding.ids, dtype=np.int32) for encoding in tokenizer.encode_batch_fast(some)]
    offsets = np.concatenate([[0], np.cumsum([len(ids) for ids in pieces])]).astype(np.int64)
    column = pa.LargeListArray.from_arrays(offsets, np.concatenate(pieces))
    table = pa.table({"ids": column})
    scratch = path.with_suffix(".writing")
    with pa.OSFile(str(scratch), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    os.replace(scratch, path)
