"""How a command ends: its exit code, and one paragraph in place of a traceback."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from harness.core.errors import DataError
from harness.core.main import run_command
from tests.shared import ROOT


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    """Puts back what a signal does to the tests' own process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def ends(main: object) -> int:
    with pytest.raises(SystemExit) as caught:
        run_command(main)  # type: ignore[arg-type]
    code = caught.value.code
    assert isinstance(code, int)
    return code


def raises(error: BaseException) -> object:
    def main() -> int:
        raise error

    return main


@pytest.mark.parametrize("code", [0, 1])
def test_a_command_ends_with_its_own_code(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(lambda: code) == code
    assert capsys.readouterr() == ("", "")


def test_a_mistake_is_one_paragraph_and_an_interruption_says_what_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(raises(DataError("The corpus is missing."))) == 2
    assert capsys.readouterr() == ("", "error: The corpus is missing.\n")
    assert ends(raises(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "Interrupted. What was finished is kept; the same command goes on.\n"


def test_a_mistake_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run_command(raises(ZeroDivisionError()))  # type: ignore[arg-type]


def test_terminated_is_interrupted(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> int:
        signal.raise_signal(signal.SIGTERM)
        return 0

    assert ends(main) == 130


def test_a_reader_that_leaves_early_is_no_error() -> None:
    code = "from harness.core.main import run_command\ndef main():\n"
    code += "    for number in range(10**6): print(number)\n    return 1\nrun_command(main)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == b"0\n"
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), errors) == (0, b"")
