"""Plan file: whole or refused with the way out."""

import pytest

from harness.config.load import load
from harness.core.errors import StoreError
from harness.trials import plan_file
from tests.conftest import SweepWriter


def test_what_is_written_is_read_and_nothing_is_read_where_nothing_was(write_sweep: SweepWriter) -> None:
    sweep = load(write_sweep())
    assert plan_file.read(sweep) == {}
    said = {"plan": {"seeds": [1]}, "sha256": plan_file.digest({"seeds": [1]})}
    plan_file.write(sweep, said)
    assert plan_file.read(sweep) == said


@pytest.mark.parametrize(
    "content", [b'{"plan": {"mo', b"[]", b"{}", b'{"plan": 1, "sha256": ""}', b"\xff\xfe", b"null"]
)
def test_a_damaged_plan_is_refused_with_file_and_cure(write_sweep: SweepWriter, content: bytes) -> None:
    sweep = load(write_sweep())
    plan_file.place(sweep).parent.mkdir(parents=True)
    plan_file.place(sweep).write_bytes(content)
    with pytest.raises(StoreError, match=r"tiny.plan.json cannot be read .* Put it back from a copy; or delete it"):
        plan_file.read(sweep)
