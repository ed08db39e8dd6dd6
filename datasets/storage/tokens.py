"""Token cache of a corpus: tokenised once per tokeniser, memory-mapped by every trial of a node."""

import hashlib
import json
import tempfile
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

from datasets.storage import NUMERICS
from datasets.storage.corpus import Corpus
from datasets.storage.progress import track
from harness.core.files import whole_file, write_atomically

_DOCUMENTS_AT_ONCE = 1000


@dataclass(frozen=True)
class Tokens:
    """Token ids of every document of a corpus.

    Attributes:
        tokenizer: Tokeniser that made them.
        ids: (sum of lengths,) int32, memory-mapped.
        offsets: (documents + 1,) int64; document d is `ids[offsets[d]:offsets[d + 1]]`.
    """

    tokenizer: Tokenizer
    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(documents,) number of tokens."""
        return np.diff(self.offsets)

    def gather(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Returns the concatenated ids of some documents, and their (rows + 1,) offsets."""
        ids = [self.ids[self.offsets[row] : self.offsets[row + 1]] for row in rows.tolist()]
        offsets = np.concatenate([[0], np.cumsum([len(some) for some in ids])])
        return np.concatenate(ids).astype(np.int64), offsets


def tokenise(
    corpus: Corpus,
    encoder: str,
    numerics: Mapping[str, int],
    options: Mapping[str, Any],
    build: Callable[[Iterable[str]], Tokenizer],
    read: Callable[[str], Tokenizer] = Tokenizer.from_str,
) -> Tokens:
    """Opens the cached tokens of a corpus; missing or damaged ones are made first.

    Args:
        corpus: Prepared corpus; its folder holds the cache.
        encoder: Name of the text encoder.
        numerics: Numerics versions of the encoder's parts; this room's own are added.
        options: Options of the encoder that affect tokenisation, with the content of files in place of their paths.
        build: Function that makes the tokeniser from the training texts.
        read: Function that makes it again from what its `to_str` returned; any exception where the text is damaged.
    """
    key = json.dumps([corpus.fingerprint, encoder, {**numerics, **NUMERICS}, dict(options)], sort_keys=True)
    folder = corpus.folder / "tokens"
    stem = folder / f"{encoder}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    folder.mkdir(exist_ok=True)
    with FileLock(stem.with_suffix(".lock")):
        tokens = _read(stem, corpus, read)
        if tokens is None:
            _write(stem, corpus, build(corpus.texts(corpus.rows("train"))))
            tokens = _read(stem, corpus, read)
        assert tokens is not None, f"{stem} cannot be read right after it was written"
    return tokens


def _read(stem: Path, corpus: Corpus, read: Callable[[str], Tokenizer]) -> Tokens | None:
    """Returns the cached tokens, or None if they are missing or incomplete."""
    try:
        tokenizer = read(stem.with_suffix(".json").read_text("utf-8"))
        source = pa.memory_map(str(stem.with_suffix(".arrow")))
        column = pa.ipc.open_file(source).read_all().column("ids").chunk(0)
    except Exception:  # The tokenizers library raises no narrower class.
        return None
    if len(column) != corpus.num_documents:
        return None
    return Tokens(tokenizer, column.values.to_numpy(zero_copy_only=True), column.offsets.to_numpy(zero_copy_only=True))


def _write(stem: Path, corpus: Corpus, tokenizer: Tokenizer) -> None:
    """Writes the tokeniser and the tokens, each atomically, in memory that does not grow with the corpus."""
    texts = iter(track(corpus.texts(np.arange(corpus.num_documents)), "texts to tokens", corpus.num_documents))
    offsets = [0]
    # The column's offsets come before its values, so the values wait in a file of their own.
    with tempfile.TemporaryFile(dir=stem.parent) as scratch:
        while some := list(islice(texts, _DOCUMENTS_AT_ONCE)):
            for encoding in tokenizer.encode_batch_fast(some):
                scratch.write(np.array(encoding.ids, dtype=np.int32).data)
                offsets.append(offsets[-1] + len(encoding.ids))
        scratch.flush()
        values = np.memmap(scratch, dtype=np.int32, mode="r") if offsets[-1] else np.empty(0, dtype=np.int32)
        column = pa.LargeListArray.from_arrays(np.array(offsets, dtype=np.int64), pa.array(values))
        write_atomically(stem.with_suffix(".json"), tokenizer.to_str().encode())
        table = pa.table({"ids": column})
        with whole_file(stem.with_suffix(".arrow")) as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
