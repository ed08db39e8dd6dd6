"""Arrays and files come back to the bit, and what is not what was written is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from harness.core.errors import DataError
from models.systems.kept import ARRAYS, Reader, Writer

BFLOAT = b'{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}} '


def kept(folder: Path, **arrays: Any) -> Reader:
    """Writes arrays and returns what reads them."""
    writer = Writer(folder)
    writer.arrays |= {name: np.array(array) for name, array in arrays.items()}
    return Reader(folder, writer.state())


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        np.arange(10, dtype=np.float32)[::3],
        np.array([np.inf, -np.inf, -0.0, np.float32(1e-45)], dtype=np.float32),
        np.float32(7),
        np.empty((0, 4), dtype=np.float32),
    ],
)
def test_arrays_of_any_memory_come_back_to_the_bit(tmp_path: Path, array: np.ndarray) -> None:
    found = kept(tmp_path, a=array).array("a", np.float32, np.shape(array))
    assert found.shape == np.shape(array) and found.tobytes() == np.asarray(array).tobytes()


def test_matrices_and_json_come_back(tmp_path: Path) -> None:
    matrix = sparse.random_array((5, 9), density=0.3, format="csr", dtype=np.float32, rng=np.random.default_rng(0))
    writer = Writer(tmp_path / "new" / "folder")
    writer.add_matrix("m", matrix)
    writer.write_json("words.json", ["größer", "two words"])
    state = writer.state(threshold=0.25, k=3)
    reader = Reader(tmp_path / "new" / "folder", json.loads(json.dumps(state)))
    np.testing.assert_array_equal(reader.matrix("m", (5, 9)).toarray(), matrix.toarray())
    np.testing.assert_array_equal(reader.matrix("m", (None, 9)).toarray(), matrix.toarray())
    assert reader.read_json("words.json") == ["größer", "two words"]
    assert 'größer"' in (tmp_path / "new" / "folder" / "words.json").read_text("utf-8")
    assert (reader.said("threshold", float), reader.said("k", int)) == (0.25, 3)


def test_files_do_not_depend_on_the_order_in_which_arrays_were_added(tmp_path: Path) -> None:
    names = [f"array {number}" for number in range(20)]
    for folder, order in (("one", names), ("other", names[::-1])):
        kept(tmp_path / folder, **{name: [len(name)] for name in order})
    assert (tmp_path / "one" / ARRAYS).read_bytes() == (tmp_path / "other" / ARRAYS).read_bytes()


@pytest.mark.parametrize("content", [b"", b"no safetensors", len(BFLOAT).to_bytes(8, "little") + BFLOAT + b"00"])
def test_what_is_no_file_of_arrays_is_refused(tmp_path: Path, content: bytes) -> None:
    Writer(tmp_path).write(ARRAYS, content)
    with pytest.raises(DataError, match=f"{ARRAYS} is no safetensors file.* Export it again"):
        Reader(tmp_path, {}).array("a", np.float32, (1,))


@pytest.mark.parametrize("content", [b"", b"[1,", b"\xff\xfe"])
def test_what_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    writer = Writer(tmp_path)
    writer.write("words.json", content)
    with pytest.raises(DataError, match="words.json is not JSON"):
        Reader(tmp_path, writer.state()).read_json("words.json")


@pytest.mark.parametrize("shape", [(3, 2), (6,), (2, 3, 1), (None, 2), ()])
def test_arrays_of_another_shape_are_refused(tmp_path: Path, shape: tuple[int | None, ...]) -> None:
    reader = kept(tmp_path, a=np.zeros((2, 3), np.float32))
    with pytest.raises(DataError, match=r"`a` in model.safetensors is float32 of shape \(2, 3\), where"):
        reader.array("a", np.float32, shape)


def test_arrays_of_another_kind_or_name_are_refused(tmp_path: Path) -> None:
    reader = kept(tmp_path, a=np.zeros(3, np.float64))
    with pytest.raises(DataError, match="is float64 of shape"):
        reader.array("a", np.float32, (3,))
    with pytest.raises(DataError, match="has no array `b`"):
        reader.array("b", np.float32, (3,))


@pytest.mark.parametrize(
    ("indices", "starts"), [([0, 4], [0, 1, 2]), ([0, -1], [0, 1, 2]), ([0, 1], [0, 2, 1]), ([0, 1], [])]
)
def test_matrices_that_are_none_are_refused(tmp_path: Path, indices: list[int], starts: list[int]) -> None:
    arrays = {"m/data": np.ones(2, np.float32), "m/indices": np.int32(indices), "m/indptr": np.int32(starts)}
    with pytest.raises(DataError, match="`m` in model.safetensors is no matrix of 4 columns"):
        kept(tmp_path, **arrays).matrix("m", (None, 4))


@pytest.mark.parametrize("value", [True, "3", None, 3.0])
def test_a_state_that_says_something_else_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(DataError, match="for `k` and not a value of type int"):
        Reader(tmp_path, {"k": value}).said("k", int)


def test_a_file_that_is_not_there_is_refused_and_names_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    reader = kept(tmp_path, a=np.zeros(3, np.float32))
    (tmp_path / ARRAYS).unlink()
    with pytest.raises(DataError, match=f"^The fitted system in {tmp_path} cannot be used: {ARRAYS} cannot be read"):
        reader.array("a", np.float32, (3,))
    for number in (10, 2, 1):
        Writer(tmp_path).write(f"trees/tree{number}.cbor", b"")
    assert reader.names("trees/tree*") == [f"trees/tree{number}.cbor" for number in (1, 2, 10)]
