"""What the page on predictions says, the folders that it is measured on, and the line to a million."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pyarrow import parquet

from tests.bench import predicting
from tests.bench.measure import Times
from tests.bench.predicting import FEW, FILES, MANY, MILLION, NUM, PER_REQUEST, TITLES
from tests.bench.watched import Watched

START, PER_TEXT = 12.0, 0.0005
RUNS = {
    num: Watched(START + num * PER_TEXT, driver=300_000_000, worker=500_000_000, others=400_000_000, size=5 * num)
    for num in (FEW, MANY)
}


def test_a_million_lies_on_the_line_through_both_measurements() -> None:
    assert predicting.seconds_for(MILLION, RUNS[FEW], RUNS[MANY]) == pytest.approx(START + MILLION * PER_TEXT)


def test_the_page_says_what_was_not_measured_and_what_was_missed() -> None:
    speed = dict.fromkeys(TITLES.values(), Times((4.0, 2.0, 1.0))) | {TITLES["flat"]: Times((8.0, 8.0, 8.0))}
    page = predicting.page(speed, {"bag, flat": Times((1.5,))}, RUNS[FEW], RUNS[MANY], 1177.4, 2.6)
    assert f"| bag, HiTIN | {NUM // 2:,} (" in page and "1,177 characters" in page
    assert "| 1,000,000 texts, extrapolated | 8 min 32 s | 1,953 | 300 | 500 | 400 | 5.0 |" in page
    assert "2.6 labels are predicted of a text" in page
    assert "**The last row was not measured.**" in page
    assert "| texts a second, bag, flat, in Python | at least 1,000: **missed** (512) |" in page
    assert "| the same, a folder of 100,000 | at least 1,000: met |" in page


def test_a_folder_has_different_texts_in_files_of_equal_size(tmp_path: Path) -> None:
    predicting.fill(tmp_path / "texts", [f"{name} " * 20 for name in "abc"], 50)
    tables = [parquet.read_table(path) for path in sorted((tmp_path / "texts").iterdir())]
    assert [one.num_rows for one in tables] == [50 // FILES] * FILES
    every = [text for one in tables for text in one["text"].to_pylist()]
    assert "".join(text[0] for text in every) == ("abc" * 17)[:50] and len(set(every)) == 50
    assert every[0] == "a " * 20 and every[30] == "a " * 10
    assert len({name for one in tables for name in one["id"].to_pylist()}) == 50


def test_a_server_is_asked_for_some_texts_at_a_time(tmp_path: Path) -> None:
    sizes: list[int] = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            records = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["dataframe_records"]
            sizes.append(len(records))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"predictions": [{"labels": [one["text"]]} for one in records]}).encode())

        def log_message(self, *words: object) -> None:
            pass

    texts = [str(number) for number in range(PER_REQUEST + 3)]
    (tmp_path / "texts.json").write_text(json.dumps(texts), "utf-8")
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        answers = predicting.over_http(server.server_port, tmp_path / "texts.json")()
        server.shutdown()
    assert sizes == [PER_REQUEST, 3] and [one["labels"] for one in answers] == [[text] for text in texts]
