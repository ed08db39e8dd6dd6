"""The page of a model: its answers, what it refuses, and what becomes of a question that nobody waits for."""

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from harness.predicting import page
from harness.predicting.page import Page
from models.load import Predictor
from tests.harness.predicting.made_up import HIERARCHY, made_up

HTML = Path(page.__file__).with_name("page.html").read_text("utf-8")
TREE = [("Art", 0), ("Music", 1), ("Opera", 2), ("Contracts", 1), ("Law", 0), ("Contracts", 1)]


@pytest.fixture
def predictor(tmp_path: Path) -> Predictor:
    return made_up(tmp_path / "model")


def client(shown: Page) -> TestClient:
    return TestClient(shown.application, base_url="http://127.0.0.1:8000")


@pytest.fixture
def asks(predictor: Predictor) -> Iterator[TestClient]:
    with client(Page(predictor, "Words for made-up labels")) as asking:
        yield asking


def test_the_page_needs_nothing_else_and_says_what_the_model_is(asks: TestClient) -> None:
    response = asks.get("/")
    assert response.text == HTML and response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"].startswith("default-src 'none';")
    assert asks.get("/model").json() == {
        "title": "Words for made-up labels",
        "labels": 5,
        "meaning": "probabilities",
        "rules": {
            "0.5": "0.5",
            "validation": "0.05, chosen on other texts",
            "confident": "0.8, and all above it too: nine in ten were right",
        },
    }


def test_the_page_makes_no_markup_of_texts_and_asks_no_other_machine() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function", HTML)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", HTML)
    assert set(re.findall(r'(?:href|src)="([^"]*)"', HTML)) == {"data:,"}


@pytest.mark.parametrize("rule", ["0.5", "validation", "confident"])
def test_labels_come_as_a_tree_with_their_values(rule: str, asks: TestClient, predictor: Predictor) -> None:
    rows = asks.post("/predict", json={"text": "Art Opera", "rule": rule}).json()["labels"]
    assert [(row["label"], row["depth"]) for row in rows] == TREE, "below each parent"
    (predicted,) = predictor.predict(["Art Opera"], rule=rule)
    values_L = predictor.values(["Art Opera"])[0]
    for row in rows:
        number = HIERARCHY.index[row["label"]]
        assert row["path"] == HIERARCHY.path(number) and row["value"] == float(values_L[number])
        assert row["predicted"] == (row["label"] in predicted) and row["limit"] == predictor.thresholds[rule]
    assert {row["label"] for row in rows if row["predicted"]} == predicted.keys()


def test_at_first_labels_that_are_predicted_or_high_are_shown_with_those_above(
    asks: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "_NEAR", 1)
    rows = asks.post("/predict", json={"text": "Opera Law"}).json()["labels"]
    assert [row["label"] for row in rows if row["near"]] == ["Art", "Music", "Opera", "Law"]
    rows = asks.post("/predict", json={"text": "nothing"}).json()["labels"]
    assert [row["label"] for row in rows if row["near"]] == ["Art"], "the highest"


def test_each_label_may_have_a_limit_of_its_own(predictor: Predictor) -> None:
    limits = np.linspace(0.05, 0.95, len(HIERARCHY))
    predictor.thresholds = {"per_label": limits}
    with client(Page(predictor, "")) as asks:
        assert asks.get("/model").json()["rules"] == {"per_label": "each label's own limit, chosen on other texts"}
        rows = asks.post("/predict", json={"text": "Art", "rule": "per_label"}).json()["labels"]
    assert {row["label"]: row["limit"] for row in rows} == dict(zip(HIERARCHY.labels, limits, strict=True))


def test_words_are_those_whose_absence_changes_the_value(asks: TestClient) -> None:
    said = asks.post("/words", json={"text": "An Opera, an 🎭", "label": "Opera"}).json()
    odds = np.log(9) - np.log(1 / 9)
    assert said["scale"] == "log-odds" and said["value"] == pytest.approx(0.1), "`Opera,` is no `Opera` to this model"
    assert [word["effect"] for word in said["words"]] == [0, 0]
    said = asks.post("/words", json={"text": "An Opera opens an 🎭", "label": "Opera"}).json()
    assert said["num_words"] == 3
    assert [(word["word"], word["times"]) for word in said["words"]] == [("An", 2), ("Opera", 1), ("opens", 1)]
    assert [word["effect"] for word in said["words"]] == pytest.approx([0, odds, 0], abs=1e-6)
    assert [word["without"] for word in said["words"]] == pytest.approx([0.9, 0.1, 0.9])
    expected = [["An", 0], [" ", None], ["Opera", 1], [" ", None], ["opens", 2], [" ", None], ["an", 0], [" 🎭", None]]
    assert said["pieces"] == expected


def counted(predictor: Predictor) -> tuple[Predictor, list[str]]:
    """Returns a predictor that tells which texts it was asked for."""
    seen: list[str] = []

    def values(texts: list[str]) -> Any:
        seen.extend(texts)
        return predictor.values(texts)

    return Predictor(Path(), {}, HIERARCHY, "probabilities", predictor.thresholds, values), seen


def test_every_label_of_a_text_is_answered_from_the_same_values(predictor: Predictor) -> None:
    watched, seen = counted(predictor)
    with client(Page(watched, "")) as asks:
        for label in HIERARCHY.labels:
            asks.post("/words", json={"text": "Art Law", "label": label})
        assert sorted(seen) == ["Art", "Art Law", "Law"]
        asks.post("/predict", json={"text": "Art Law"})
        asks.post("/words", json={"text": "Art Law", "label": "Art"})
        assert len(seen) == 4, "another rule, or the same text again, asks for one value"
        asks.post("/words", json={"text": "Law", "label": "Art"})
        assert len(seen) == 4 + 2


@pytest.mark.parametrize("is_ended", [False, True])
def test_words_of_a_text_are_given_up_for_another_text_and_at_the_end(is_ended: bool, predictor: Predictor) -> None:
    watched, seen = counted(predictor)
    begun, go_on = threading.Event(), threading.Event()

    def values(texts: list[str]) -> Any:
        begun.set()
        assert go_on.wait(60)
        return watched.values(texts)

    shown = Page(Predictor(Path(), {}, HIERARCHY, "probabilities", predictor.thresholds, values), "")
    long = " ".join(f"w{number}" for number in range(200))
    answers: dict[str, Any] = {}
    with client(shown) as asks:

        def ask(path: str, **said: str) -> threading.Thread:
            thread = threading.Thread(target=lambda: answers.update({path: asks.post(path, json=said)}))
            thread.start()
            return thread

        first = ask("/words", text=long, label="Art")
        assert begun.wait(60)
        if is_ended:
            shown.stop()
            go_on.set()
        else:
            second = ask("/predict", text="Law")
            first.join(60)
            go_on.set()
            second.join(60)
            assert answers["/predict"].status_code == 200
        first.join(60)
        deadline = time.monotonic() + 60
        while not any(text.startswith("w") for text in seen) and time.monotonic() < deadline:
            time.sleep(0.01)  # What was begun ends by itself.
    assert answers["/words"].status_code == 400
    assert "Another text was asked for" in answers["/words"].json()["error"]
    assert len([text for text in seen if text.startswith("w")]) == 16, "no more than what was begun"


@pytest.mark.parametrize(
    ("path", "said", "sentence"),
    [
        ("/predict", {"text": " \n"}, "The text is empty"),
        ("/words", {"text": "", "label": "Art"}, "The text is empty"),
        ("/predict", {"text": "word " * 250_000}, "longer than a megabyte"),
        ("/predict", {"text": "Art", "rule": "sure"}, "no thresholds by the rule 'sure'"),
        ("/words", {"text": "Art", "label": "Arts"}, "The model has no label 'Arts'."),
        ("/words", {"text": "Art"}, "cannot be read (label: Field required)"),
        ("/predict", {"text": 3}, "cannot be read (text: Input should be a valid string)"),
        ("/predict", {"text": "Art", "top": 3}, "cannot be read (top: Extra inputs are not permitted)"),
        ("/predict", b"{", "cannot be read (Invalid JSON"),
        ("/predict", b'{"text": "\\ud800"}', "cannot be read (Invalid JSON"),
        ("/predict", b'{"text": "\xff"}', "cannot be read (Invalid JSON"),
    ],
)
def test_what_cannot_be_answered_gets_400_and_a_sentence(path: str, said: Any, sentence: str, asks: TestClient) -> None:
    response = asks.post(path, content=said) if isinstance(said, bytes) else asks.post(path, json=said)
    assert response.status_code == 400 and sentence in response.json()["error"]


def test_a_text_of_nearly_a_megabyte_is_answered(asks: TestClient) -> None:
    response = asks.post("/predict", json={"text": "word " * 209_000 + "Opera"})
    assert "Opera" in [row["label"] for row in response.json()["labels"] if row["predicted"]]


@pytest.mark.parametrize("path", ["/", "/model", "/predict", "/words"])
def test_other_hosts_and_the_pages_of_others_get_nothing(path: str, asks: TestClient) -> None:
    def status(**headers: str) -> int:
        method = "GET" if path in ("/", "/model") else "POST"
        said = None if method == "GET" else {"text": "Art", **({"label": "Art"} if path == "/words" else {})}
        return asks.request(method, path, json=said, headers=headers).status_code

    assert status() == status(host="localhost:8000") == status(origin="http://127.0.0.1:8000") == 200
    assert status(host="localhost:8000", origin="http://localhost:8000") == 200
    for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", "127.0.0.1@evil.example"):
        assert status(host=host) == 400
    for origin in ("evil.example", "127.0.0.1:9000", "127.0.0.1", "localhost:8000"):
        assert status(origin=f"http://{origin}") == 403
    assert status(origin="null") == status(origin="https://127.0.0.1:8000") == 403
