"""A file is whole or not there, whatever happens while it is written."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from harness.core.files import is_disk_full, sha256, whole_file, write_atomically


def write_for_ever(path: Path) -> None:
    number = 0
    while True:
        number += 1
        write_atomically(path, f"{number} ".encode() * 20_000)


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    for wait in (0.2, 0.23, 0.27, 0.31):
        process = multiprocessing.get_context("fork").Process(target=write_for_ever, args=(path,))
        process.start()
        time.sleep(wait)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        words = path.read_text("utf-8").split()
        assert len(words) == 20_000 and len(set(words)) == 1


def test_a_full_disk_is_recognised_whoever_says_it() -> None:
    assert is_disk_full(OSError(28, "whatever")) and is_disk_full(OSError(122, "quota"))
    assert is_disk_full(Exception("I/O error: No space left on device (os error 28)"))
    assert not is_disk_full(OSError(5, "Input/output error"))


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError])
def test_an_interrupted_write_leaves_the_old_content_and_no_rest(
    tmp_path: Path, interruption: type[BaseException]
) -> None:
    path = tmp_path / "record.json"
    write_atomically(path, b"old")
    with pytest.raises(interruption), whole_file(path) as stream:
        stream.write(b"half of the n")
        stream.flush()
        assert path.read_bytes() == b"old", "nobody sees it before it is whole"
        raise interruption
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
    with whole_file(path) as stream:
        stream.write(b"new")
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


def test_a_digest_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    # The first example of FIPS 180-2.
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
