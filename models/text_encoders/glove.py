"""GloVe word vectors from the user's own text file: one word and its numbers per line, separated by blanks.

Such a file, for instance glove.6B.300d.txt, comes from its owner (https://nlp.stanford.edu/projects/glove, Public
Domain Dedication and License). It is read as bytes and nothing in it is run. Only the lines of words in the vocabulary
are parsed, once: their vectors are kept in the user's cache folder under the hash of the file's content and the
vocabulary.
"""

import hashlib
import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from harness.core.errors import ConfigError
from harness.core.files import write_atomically
from models.sources import digest

NUMERICS = {"glove": 1}


def read_vectors(path: str, words: Sequence[str], width: int) -> tuple[Tensor, Tensor]:
    """Returns the indices of the words that the file has, ascending, and their vectors, (words found, width).

    Args:
        path: Text file. If a word occurs twice, the first line counts.
        words: Vocabulary, all words different.
        width: Number of numbers per word.

    Raises:
        ConfigError: If the file is missing, or a line is not a word followed by that many finite numbers.
    """
    file = _file(path)
    key = hashlib.sha256(f"{digest(file)} {width} {NUMERICS}\n".encode())
    key.update("\n".join(words).encode())
    kept = _cache_folder() / f"{key.hexdigest()[:32]}.safetensors"
    try:
        stored = load(kept.read_bytes())
    except (FileNotFoundError, SafetensorError):
        places, vectors = _parse(file, words, width)
        stored = {"places": torch.from_numpy(places), "vectors": torch.from_numpy(vectors)}
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(kept, save(stored))
    return stored["places"], stored["vectors"]


def try_first_line(path: str, width: int) -> None:
    """Raises ConfigError, as `read_vectors` does, if the file is missing or its first line is another width's."""
    file = _file(path)
    with file.open("rb") as lines:
        _split(file, 1, lines.readline(), width)


def _file(path: str) -> Path:
    file = Path(path).expanduser()
    if not file.is_file():
        raise ConfigError(
            f"There is no file of word vectors at {path}. Name a text file in GloVe's format, such as "
            "glove.6B.300d.txt from https://nlp.stanford.edu/projects/glove, or leave `vectors` empty."
        )
    return file


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "himtl-harness" / "vectors"


def _parse(file: Path, words: Sequence[str], width: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    places = {word.encode(): place for place, word in enumerate(words)}
    found: dict[int, list[float]] = {}
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            word, *numbers = _split(file, number, line, width)
            place = places.get(word)
            if place is None or place in found:
                continue
            try:
                vector = [float(text) for text in numbers]
            except ValueError as error:
                raise _bad(file, number, f"is not a word and its numbers ({error})") from None
            if not all(map(math.isfinite, vector)):
                raise _bad(file, number, "has a number that is not finite")
            found[place] = vector
    ordered = sorted(found)
    vectors = np.array([found[place] for place in ordered], dtype=np.float32).reshape(len(ordered), width)
    return np.array(ordered, dtype=np.int64), vectors


def _split(file: Path, number: int, line: bytes, width: int) -> list[bytes]:
    """Returns a line's word and its numbers."""
    # From the right, since a few words of the larger files hold blanks themselves.
    parts = line.rstrip().rsplit(b" ", width)
    if len(parts) != width + 1:
        raise _bad(file, number, f"has {len(parts) - 1} numbers where width is {width}")
    return parts


def _bad(file: Path, number: int, what: str) -> ConfigError:
    return ConfigError(
        f"Line {number} of the word vectors {file} {what}. Set the encoder's `word_width` to what the file has, or get "
        "the file anew."
    )
