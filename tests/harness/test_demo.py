"""The command that shows a model in the browser: what it refuses, whom it serves, how it ends, and its page in use."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from datasets.storage.corpus import open_corpus
from harness import demo, export
from harness.core.errors import ConfigError, DataError
from harness.predicting.attribution import Deletions, effects
from harness.predicting.label_tree import walk
from models.load import Predictor, load
from tests.conftest import SweepWriter
from tests.harness.browser import Browser, browser
from tests.harness.commands import wait_for
from tests.harness.finished_sweep import finished
from tests.harness.predicting.made_up import made_up
from tests.shared import ROOT

CONTROL, ENTER, TAB = "\ue009", "\ue007", "\ue004"
"""Keys of WebDriver."""


@pytest.fixture
def model(write_sweep: SweepWriter, tmp_path: Path) -> Path:
    """A model that was trained long enough for words to count, and exported."""
    trainer = {"epochs": 20, "patience": 20, "batch_size": 16, "encoder_lr": 0.05, "head_lr": 0.05}
    sweep = finished(write_sweep, seeds=[1], merges=["none"], trainer=trainer)
    export.main([sweep, "--row", "flat", "--out", str(tmp_path / "model")])
    return tmp_path / "model"


@contextmanager
def served(folder: Path, ends_by: int = signal.SIGINT) -> Iterator[tuple[str, int]]:
    """Gives the address at which the command serves a model, and its process; ends it by a signal, with 130."""
    command = [sys.executable, "-m", "harness.demo", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout
    address, _, rest = process.stdout.readline().partition(" ")
    try:
        assert rest.strip() == "Ctrl-C ends it.", process.stderr and process.stderr.read()
        yield address, process.pid
    finally:
        process.send_signal(ends_by)
        output = process.communicate(timeout=300)
    assert (process.returncode, *output) == (130, "", "")


def ask(address: str, **said: str) -> Any:
    request = urllib.request.Request(address, json.dumps(said).encode())
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=300) as response:
        return json.load(response)


def test_a_folder_without_a_model_and_a_port_that_is_taken_are_one_paragraph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="is no exported model"):
        demo.main([str(tmp_path)])
    monkeypatch.setattr(demo, "load", made_up)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        for port in (other.getsockname()[1], 70_000):
            with pytest.raises(ConfigError, match=f"Nothing can be served at port {port} .*Name another --port"):
                demo.main([str(tmp_path / "model"), "--port", str(port)])


def test_a_model_is_called_what_its_card_says_or_as_its_folder(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\ntags: []\n---\n\n# HiTIN for WOS\n\n## Scores\n", "utf-8")
    assert demo._title(tmp_path) == "HiTIN for WOS"
    (tmp_path / "README.md").unlink()
    assert demo._title(tmp_path) == tmp_path.name


def test_it_serves_this_machine_alone_until_it_is_interrupted(model: Path) -> None:
    predictor = load(model)
    for ends_by in (signal.SIGINT, signal.SIGTERM):
        with served(model, ends_by) as (address, process):
            rows = ask(f"{address}predict", text="some text")["labels"]
            found = {row["label"]: row["value"] for row in rows}
            assert found == pytest.approx(valued(predictor, "some text"), abs=1e-6)
            (listening,) = [one for one in psutil.Process(process).net_connections() if one.status == "LISTEN"]
            assert f"http://{listening.laddr.ip}:{listening.laddr.port}/" == address
            assert listening.laddr.ip == "127.0.0.1"


def test_a_reader_sees_labels_and_the_words_that_moved_them(model: Path, data_dir: Path, tmp_path: Path) -> None:
    predictor = load(model)
    corpus = open_corpus(next(data_dir.glob("synthetic*")))
    text = next(iter(corpus.texts(corpus.rows("test"))))
    (predicted,) = predictor.predict([text], rule="validation")
    assert predicted
    (profile := tmp_path / "browser").mkdir()
    with browser(profile) as page, served(model) as (address, _):
        page.open(address)
        wait_for(lambda: page.text("#title") == "Flat for synthetic")
        page.type("#text", text)
        page.script("document.getElementById('rule').value = 'validation'")
        page.click("#send")
        wait_for(lambda: page.count("#tree button"))
        check_labels(page, predictor, text, predicted)
        label = next(iter(predicted))
        page.click(f"#tree [data-label='{label}']")
        wait_for(lambda: page.count("#marked mark"))
        check_words(page, predictor, text, label)
        assert page.complaints() == []


def valued(predictor: Predictor, text: str) -> dict[str, float]:
    return dict(zip(predictor.hierarchy.labels, predictor.values([text])[0].tolist(), strict=True))


def check_labels(page: Browser, predictor: Predictor, text: str, predicted: dict[str, float]) -> None:
    """Compares the tree on the page with what the model says."""
    values, shown = valued(predictor, text), page.texts("#tree .name")
    assert page.texts("#tree .number") == [f"{values[label]:.3f}" for label in shown]
    assert set(page.texts("#tree .predicted .name")) == predicted.keys()
    weight = "return [...document.querySelectorAll('#tree button')].map(one => getComputedStyle(one).fontWeight)"
    assert page.script(weight) == ["700" if label in predicted else "400" for label in shown]
    width = "return [...document.querySelectorAll('#tree .bar i')].map(one => parseFloat(one.style.width))"
    assert page.script(width) == pytest.approx([100 * values[label] for label in shown], abs=1e-3)
    page.click("#more")
    assert page.texts("#tree .name") == [label for _, label in walk(predictor.hierarchy, values)]
    page.click("#more")
    assert page.texts("#tree .name") == shown and len(set(shown)) < len(values)


def check_words(page: Browser, predictor: Predictor, text: str, label: str) -> None:
    """Compares the words on the page with the model's answers to the text without each."""
    deletions = Deletions(text)
    values_T = predictor.values(deletions.texts())[:, predictor.hierarchy.index[label]]
    found, _ = effects(values_T)
    order = np.argsort(-np.abs(found), kind="stable")[:3]
    rows = [row.split() for row in page.texts("#list tbody tr")[:3]]
    assert [row[0] for row in rows] == [deletions.words[word] for word in order]
    assert [float(row[-2].replace("−", "-")) for row in rows] == pytest.approx(found[order], abs=0.0051)
    assert [float(row[-1]) for row in rows] == pytest.approx(values_T[1:][order], abs=0.00051)
    is_strong = np.abs(found) > 0.11 * np.abs(found).max()
    signs = dict(zip(map(str.casefold, deletions.words), np.sign(found), strict=True))
    strong = {word.casefold() for word, one in zip(deletions.words, is_strong, strict=True) if one}
    for name, sign in (("up", 1), ("down", -1)):
        marked = {word.casefold() for word in page.texts(f"#marked mark.{name}")}
        assert {signs[word] for word in marked} <= {sign}
        assert marked >= {word for word in strong if signs[word] == sign}
    assert page.text("#marked") == text.strip()


def test_a_text_stays_text_and_the_keyboard_is_enough(model: Path, tmp_path: Path) -> None:
    markup = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script> & words"
    (profile := tmp_path / "browser").mkdir()
    with browser(profile) as page, served(model) as (address, _):
        page.open(address)
        wait_for(lambda: page.count("#rule option") == 4)
        page.type("#text", CONTROL + ENTER)
        wait_for(lambda: "The text is empty" in page.text("#problem"))
        assert len(page.complaints()) == 1, "the browser tells of the status 400"
        page.type("#text", markup + CONTROL + ENTER)
        wait_for(lambda: page.count("#tree button"))
        assert page.text("#problem") == ""
        page.script("document.querySelector('#send').focus()")
        page.type("#send", TAB)
        assert page.script("return document.activeElement === document.querySelector('#tree button')")
        page.type("#tree li:first-child > button", ENTER)
        wait_for(lambda: page.script("return !document.getElementById('effects').hidden"))
        assert page.text("#marked") == markup
        assert page.count("img") == 0 and page.count("script") == 1
        assert page.script("return document.title") == "Flat for synthetic"
        page.type("#text", " more")
        assert "has changed" in page.text("#changed") and page.count(".stale") == 2
        assert page.complaints() == []
