"""Files of a fitted system that is kept: its arrays in one safetensors file, all else in JSON, nothing pickled.

Equal systems have equal files, byte for byte. That they are the ones that were written is checked before, by their
checksums (`models/saved.py`).
"""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save
from scipy import sparse

from harness.core.errors import DataError
from harness.core.files import write_atomically

CHANGES_NO_NUMBER = "What is read has the bits that were written."

ARRAYS = "model.safetensors"

Array = npt.NDArray[Any]
Said = TypeVar("Said", int, float)


class Writer:
    """Writes the files of a system into a folder.

    Args:
        folder: It is made where it is not there.

    Attributes:
        arrays: What the file of arrays will hold, by name.
    """

    def __init__(self, folder: Path):
        self.arrays: dict[str, Array] = {}
        self._folder = folder

    def add_matrix(self, name: str, matrix: sparse.csr_array) -> None:
        """Adds a sparse matrix to the arrays."""
        self.arrays |= {f"{name}/{part}": getattr(matrix, part) for part in ("data", "indices", "indptr")}

    def write_json(self, name: str, value: object) -> None:
        """Writes a JSON file, one item a line."""
        self.write(name, json.dumps(value, ensure_ascii=False, indent=0).encode())

    def write(self, name: str, content: bytes) -> None:
        """Writes a file, whose name may have a folder."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)

    def state(self, **said: float) -> dict[str, Any]:
        """Writes the arrays, and returns what is said."""
        # safetensors takes any memory for one in C order.
        self.write(ARRAYS, save({name: np.asarray(array, order="C") for name, array in self.arrays.items()}))
        return said


class Reader:
    """Reads what a `Writer` wrote; all its methods raise DataError where that is not possible.

    Args:
        folder: Folder of the files.
        state: What `Writer.state` returned.
    """

    def __init__(self, folder: Path, state: Mapping[str, Any]):
        self._folder = folder
        self._state = state

    def damaged(self, what: str) -> DataError:
        """Returns the error for a system that cannot be restored."""
        return DataError(f"The fitted system in {self._folder} cannot be used: {what}. Export it again.")

    def said(self, name: str, kind: type[Said]) -> Said:
        """Returns what the state says under a name."""
        value = self._state.get(name)
        if type(value) is not kind:
            raise self.damaged(f"its state says {value!r} for `{name}` and not a value of type {kind.__name__}")
        return value

    def read(self, name: str) -> bytes:
        """Returns the content of a file."""
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            raise self.damaged(f"{name} cannot be read ({error.strerror})") from None

    def names(self, pattern: str) -> list[str]:
        """Returns the names of the files that a pattern finds, in the order of their lengths and letters."""
        found = (path.relative_to(self._folder).as_posix() for path in self._folder.glob(pattern))
        return sorted(found, key=lambda name: (len(name), name))

    def read_json(self, name: str) -> Any:
        """Returns the content of a JSON file."""
        try:
            return json.loads(self.read(name))
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise self.damaged(f"{name} is not JSON") from None

    def array(self, name: str, kind: type[np.generic], shape: tuple[int | None, ...]) -> Array:
        """Returns an array of a kind of numbers and a shape, of which None may be any size."""
        if name not in self._arrays:
            raise self.damaged(f"{ARRAYS} has no array `{name}`; was the system made with other options?")
        array = self._arrays[name]
        fits = len(shape) == array.ndim and all(b in (a, None) for a, b in zip(array.shape, shape, strict=True))
        if not fits or not np.issubdtype(array.dtype, kind):
            wanted = " x ".join("any" if size is None else str(size) for size in shape) or "one number"
            raise self.damaged(
                f"`{name}` in {ARRAYS} is {array.dtype} of shape {array.shape}, where {kind.__name__} of shape "
                f"{wanted} fits the hierarchy and the other files"
            )
        return array

    def matrix(self, name: str, shape: tuple[int | None, int]) -> sparse.csr_array:
        """Returns a float32 matrix of a shape, of which the number of rows may be None, any."""
        rows, columns = shape
        data = self.array(f"{name}/data", np.float32, (None,))
        indices = self.array(f"{name}/indices", np.signedinteger, (data.size,))
        starts = self.array(f"{name}/indptr", np.signedinteger, (None if rows is None else rows + 1,))
        try:
            matrix = sparse.csr_array((data, indices, starts), shape=(starts.size - 1, columns))
            matrix.check_format()
        except ValueError as error:
            raise self.damaged(f"`{name}` in {ARRAYS} is no matrix of {columns} columns ({error})") from None
        return matrix

    @cached_property
    def _arrays(self) -> dict[str, Array]:
        try:
            return load(self.read(ARRAYS))
        except (SafetensorError, KeyError):  # A type of numbers that NumPy does not have.
            raise self.damaged(f"{ARRAYS} is no safetensors file of NumPy's numbers") from None
