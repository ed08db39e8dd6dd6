"""Text files: compressed, cut off and damaged lists, JSON objects, and every form of a taxonomy."""

import random

import pyarrow as pa
import pytest

from datasets.formats.textfiles import (
    find_file,
    is_json_array,
    json_object,
    json_value,
    read_bytes,
    read_lines,
    read_records,
    read_taxonomy,
)
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


def taxonomy(tmp_path, text):
    path = tmp_path / "taxonomy.tsv"
    path.write_bytes(text.encode())
    return path


def test_taxonomy_names_are_taken_whole(tmp_path):
    path = taxonomy(
        tmp_path,
        "Root\tMathematics (Root)\tMedia, Entertainment and Publishing\r\nMathematics (Root)\tÖl und Gas\t\r\n\r\n",
    )
    hierarchy = read_taxonomy(path)
    assert hierarchy.labels == ("Mathematics (Root)", "Media, Entertainment and Publishing", "Öl und Gas")
    assert hierarchy.roots == (0, 1) and hierarchy.edges.tolist() == [[0, 2]]


def test_both_taxonomy_forms_mean_the_same(tmp_path):
    lines = read_taxonomy(taxonomy(tmp_path, "Root\ta\tb\na\tc\td\n"))
    table = read_taxonomy(taxonomy(tmp_path, "\ufeffparent\tchild\na\tc\na\td\nRoot\ta\nRoot\tb\n"))
    assert lines == table


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Root\ta\nb\n", "line 2: 'b' is not `parent TAB child"),
        ("top\ta\n", "no line starts with 'Root'"),
        ("Root\ta\nb\tc\n", "taxonomy.tsv: 2 labels cannot be reached"),
    ],
)
def test_broken_taxonomies_are_refused_with_their_place(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_taxonomy(taxonomy(tmp_path, text))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1', "here: not JSON .* at column 8"),
        (b'{"a":\n1', "here: not JSON .* at line 2, column 2"),
        (b'{"a": "\xff"}', "here: not JSON .*can't decode byte 0xff"),
        ('{"a": ' + "1" * 5000 + "}", "here: not JSON .*Exceeds the limit"),
        ("[1]", "here: a JSON object is needed, not a list"),
    ],
)
def test_what_is_no_json_object_is_refused_with_its_place(content, message):
    with pytest.raises(DataError, match=message):
        json_object(content, "here")


def test_records_come_with_their_lines_and_empty_lines_are_skipped(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('\ufeff{"a": 1}\n \n{"b": [2]}', "utf-8")
    assert list(read_records(path)) == [(f"{path}, line 1", {"a": 1}), (f"{path}, line 3", {"b": [2]})]


def test_a_whole_file_is_read_with_the_line_and_byte_of_what_is_not_utf8(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf[1,\n2]")
    assert read_bytes(path) == b"\xef\xbb\xbf[1,\n2]" and json_value(read_bytes(path), "here") == [1, 2]
    path.write_bytes(b"one\ntwo\nth\xe9\n")
    for read in (read_bytes, lambda path: list(read_lines(path))):
        told = (
            "a.json, line 3, byte 10: not UTF-8 .byte 0xe9.. Save the file as UTF-8, for example with `iconv -f CP1252"
        )
        with pytest.raises(DataError, match=told):
            read(path)


def test_a_json_array_is_known_by_its_beginning():
    assert is_json_array(b"\xef\xbb\xbf \n[") and not is_json_array(b'{"a": [1]}') and not is_json_array(b"")
