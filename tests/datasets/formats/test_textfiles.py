"""Compressed lists, whole, cut off and damaged."""

import random

import pyarrow as pa
import pytest

from datasets.formats.textfiles import find_file, read_lines
from harness.core.errors import DataError

LINES = [f"line {number} {random.Random(number).random()}" for number in range(2000)]


@pytest.fixture(params=[".gz", ".zst"])
def packed(request, tmp_path):
    path = tmp_path / f"list.txt{request.param}"
    with pa.output_stream(str(path), compression="detect") as stream:
        stream.write("".join(f"{line}\r\n" for line in LINES).encode())
    return path


def test_compressed_files_read_like_plain_ones(packed):
    assert [line for _, line in read_lines(packed)] == LINES
    assert [number for number, _ in read_lines(packed)][-1] == 2000


def test_damage_is_told_and_never_read_as_less(packed):
    whole = packed.read_bytes()
    stream = random.Random(0)
    cuts = [whole[:size] for size in stream.sample(range(len(whole)), 60)]
    # Zstandard's checksum is optional, and not in this file.
    for place in stream.sample(range(len(whole)), 60) if packed.suffix == ".gz" else []:
        cuts.append(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
    refused = 0
    for content in cuts:
        packed.write_bytes(content)
        try:
            assert [line for _, line in read_lines(packed)] == LINES
        except DataError:
            refused += 1
    assert refused > 50


def test_files_are_found_plain_or_compressed_two_folders_down(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x.dat.gz").write_bytes(b"")
    assert find_file(tmp_path, ("x.dat",), "a folder") == tmp_path / "a" / "b" / "x.dat.gz"
    (tmp_path / "x.dat").write_bytes(b"")
    assert find_file(tmp_path, ("x.dat",), "a folder") == tmp_path / "x.dat"
    with pytest.raises(DataError, match="does not hold y.dat or z.dat; --source is a folder"):
        find_file(tmp_path, ("y.dat", "z.dat"), "a folder")
