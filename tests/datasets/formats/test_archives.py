"""Archives in every compression: whole, cut off, damaged byte by byte, too large, or on a machine that is full."""

import bz2
import errno
import gzip
import io
import lzma
import os
import random
import tarfile
import zipfile

import pyarrow as pa
import pytest

from datasets.formats import archives
from datasets.formats.archives import archive_errors, folder_or_archive, open_member, read_members, tar_members
from harness.core.errors import DataError

TEXTS = {f"day/{number}.xml": random.Random(number).randbytes(700).hex().encode() for number in range(20)}


def zstandard(content):
    return pa.compress(content, codec="zstd", asbytes=True)


PACKED = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress, "zst": zstandard, "tar": bytes}


def plain():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in TEXTS.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize("ending", PACKED)
def test_every_compression_is_read_whatever_the_file_is_called(tmp_path, ending):
    path = tmp_path / "archive.tgz"
    path.write_bytes(PACKED[ending](plain()))
    assert dict(tar_members(path, lambda name: True)) == TEXTS
    assert [name for name, _ in tar_members(path, lambda name: name.endswith("/7.xml"))] == ["day/7.xml"]


@pytest.mark.parametrize("ending", ["gz", "xz", "bz2"])
def test_no_flipped_byte_gives_another_text(tmp_path, ending):
    path, whole, stream = tmp_path / "archive", PACKED[ending](plain()), random.Random(0)
    refused = 0
    # The last bytes are checksums and sizes behind everything that tar reads.
    for place in [*stream.sample(range(len(whole)), 60), *range(len(whole) - 12, len(whole))]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        try:
            assert dict(tar_members(path, lambda name: True)) == TEXTS
        except DataError as error:
            assert str(path) in str(error)
            refused += 1
    assert refused > 60


def test_a_member_that_is_too_large_for_a_text_is_refused_unread(tmp_path, monkeypatch):
    path = tmp_path / "archive"
    path.write_bytes(plain())
    monkeypatch.setattr(archives, "MAX_BYTES", 1399)
    with pytest.raises(DataError, match="archive, day/0.xml has 1,400 bytes; 1,399 are the most that one text"):
        list(tar_members(path, lambda name: True))


def test_what_the_machine_cannot_do_is_not_called_damage(tmp_path):
    told = pytest.raises(DataError, match="x cannot be read: Too many open files; raise the limit with `ulimit")
    with told, archive_errors(tmp_path / "x"):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    with pytest.raises(DataError, match="nowhere cannot be read: No such file or directory"):
        list(tar_members(tmp_path / "nowhere", lambda name: True))


def test_a_file_that_is_no_archive_is_not_called_damaged(tmp_path):
    (tmp_path / "x").write_text("# A page\n" * 200)
    with pytest.raises(DataError, match="x is not a tar archive, compressed or plain"):
        list(tar_members(tmp_path / "x", lambda name: True))


def test_a_folder_and_its_archive_have_the_same_members(tmp_path):
    for name, content in TEXTS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "day" / "1.xml.txt").write_bytes(b"other")
    (tmp_path / "day" / "folder.xml").mkdir()
    (tmp_path / "archive").write_bytes(plain())

    def is_odd(name):
        return name.endswith(("1.xml", "3.xml"))

    odd = {name: content for name, content in TEXTS.items() if is_odd(name)}
    assert dict(read_members(tmp_path / "archive", (), is_odd)) == odd and len(odd) == 4
    found = list(read_members(tmp_path, ["day/1*", "day/3*"], is_odd))
    assert found == [
        (str(tmp_path / name), TEXTS[name]) for name in ("day/1.xml", "day/11.xml", "day/13.xml", "day/3.xml")
    ]


def test_a_file_of_a_folder_that_is_too_large_for_a_text_is_refused(tmp_path, monkeypatch):
    (tmp_path / "x.xml").write_bytes(b"123")
    assert list(read_members(tmp_path, ["*"], str)) == [(str(tmp_path / "x.xml"), b"123")]
    monkeypatch.setattr(archives, "MAX_BYTES", 2)
    with pytest.raises(DataError, match="x.xml has 3 bytes; 2 are the most that one text may have"):
        list(read_members(tmp_path, ["*"], str))


@pytest.mark.parametrize("ending", [*PACKED, "zip", "folder"])
def test_a_file_is_opened_by_its_name_in_every_packing(tmp_path, ending):
    path = tmp_path / "source"
    if ending == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in TEXTS.items():
                archive.writestr(name, content)
    elif ending == "folder":
        (path / "day").mkdir(parents=True)
        for name, content in TEXTS.items():
            (path / name).write_bytes(content)
    else:
        path.write_bytes(PACKED[ending](plain()))
    with open_member(path, "7.xml", "a source") as stream:
        assert stream.read() == TEXTS["day/7.xml"]
    with (
        pytest.raises(DataError, match="source holds no 20.xml; --source is a source"),
        open_member(path, "20.xml", "a source"),
    ):
        pass


def test_an_archive_is_looked_for_where_a_folder_lacks_the_file(tmp_path):
    (tmp_path / "a").mkdir()
    archive = tmp_path / "a" / "laws-1.tar.gz"
    archive.write_bytes(b"")
    (tmp_path / "a" / "laws-0.pdf").write_bytes(b"")
    assert folder_or_archive(tmp_path, "x.txt", "laws*") == archive
    assert folder_or_archive(archive, "x.txt", "laws*") == archive
    assert folder_or_archive(tmp_path, "x.txt", "acts*") == tmp_path
    (tmp_path / "a" / "x.txt").write_bytes(b"")
    assert folder_or_archive(tmp_path, "x.txt", "laws*") == tmp_path
