"""Word vectors from text files as GloVe's are: what is read, what is refused, and that it is parsed once."""

from pathlib import Path

import pytest
import torch

from harness.core.errors import ConfigError
from models.text_encoders import glove
from models.text_encoders.glove import read_vectors, try_first_line

LINES = "the 1 2 3\ncat -0.5 1e-2 .25\n. . . 7 8 9\n\u0085 4 5 6\ncat 9 9 9\nqu\u00e9 1 1 1\n"
WORDS = ("[PAD]", "qu\u00e9", "dog", "cat", ". . .", "\u0085")


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "himtl-harness" / "vectors"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_text(LINES, "utf-8", newline="\n")
    return path


def test_the_vectors_of_the_words_that_the_file_has(file: Path) -> None:
    places, vectors = read_vectors(str(file), WORDS, 3)
    # Words with blanks, one that ends a line for Python's text files, and the first of two lines of a word.
    assert places.tolist() == [1, 3, 4, 5]
    expected = torch.tensor([[1, 1, 1], [-0.5, 0.01, 0.25], [7, 8, 9], [4, 5, 6]], dtype=torch.float32)
    assert torch.equal(vectors, expected)


def test_a_file_is_parsed_once_for_its_content_and_vocabulary(
    file: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[tuple[str, ...]] = []
    parse = glove._parse

    def counting(path: Path, words: tuple[str, ...], width: int) -> object:
        parsed.append(words)
        return parse(path, words, width)

    monkeypatch.setattr(glove, "_parse", counting)
    first = read_vectors(str(file), WORDS, 3)
    copy = file.with_name("copy.txt")
    copy.write_bytes(file.read_bytes())
    again = read_vectors(str(copy), WORDS, 3)
    assert parsed == [WORDS] and all(map(torch.equal, first, again))
    assert read_vectors(str(file), ("cat",), 3)[1].tolist() == [[-0.5, pytest.approx(0.01), 0.25]]
    copy.write_text("cat 1 2 3\n", "utf-8")
    assert read_vectors(str(copy), WORDS, 3)[1].tolist() == [[1, 2, 3]]
    assert len(parsed) == 3
    # Damage to what is kept is mended, not believed.
    for kept in cache_folder.iterdir():
        kept.write_bytes(kept.read_bytes()[:-5])
    assert all(map(torch.equal, first, read_vectors(str(file), WORDS, 3)))
    assert len(parsed) == 4
    # Another version of the parser is not served what this one made.
    monkeypatch.setitem(glove.NUMERICS, "glove", 99)
    assert all(map(torch.equal, first, read_vectors(str(file), WORDS, 3)))
    assert len(parsed) == 5


def test_no_word_in_common(file: Path) -> None:
    places, vectors = read_vectors(str(file), ("zebra",), 3)
    assert places.shape == (0,) and vectors.shape == (0, 3)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("dog 1 2", "Line 7 .* has 2 numbers where width is 3"),
        ("dog 1 two 3", "Line 7 .* is not a word and its numbers .*two"),
        ("dog 1 nan 3", "Line 7 .* not finite"),
        ("", "Line 7 .* has 0 numbers"),
    ],
)
def test_a_bad_line_is_named(file: Path, line: str, what: str) -> None:
    with file.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    with pytest.raises(ConfigError, match=what):
        read_vectors(str(file), WORDS, 3)


def test_a_file_that_is_not_there_is_one_clear_paragraph(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file of word vectors at .*glove.6B.300d.txt"):
        read_vectors(str(tmp_path / "no.txt"), WORDS, 3)


def test_the_first_line_tells_whether_the_file_is_there_and_of_the_width(file: Path) -> None:
    try_first_line(str(file), 3)
    with pytest.raises(ConfigError, match="Line 1 .* has 3 numbers where width is 4"):
        try_first_line(str(file), 4)
    with pytest.raises(ConfigError, match="no file of word vectors at .*no.txt"):
        try_first_line(str(file.with_name("no.txt")), 3)
