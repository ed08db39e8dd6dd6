"""A headless Chromium, driven over the W3C WebDriver protocol by Debian's chromedriver; nothing leaves the machine."""

import base64
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness.commands import wait_for

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""Key of an element in WebDriver's JSON."""
_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,1000",
]  # fmt: skip


class Browser:
    """A page in a browser."""

    def __init__(self, session: str):
        self._session = session

    def open(self, address: str) -> None:
        _ask("POST", f"{self._session}/url", {"url": address})

    def count(self, selector: str) -> int:
        return len(self._found(selector))

    def texts(self, selector: str) -> list[str]:
        """Returns the text of each element as it is seen."""
        return [_ask("GET", f"{self._session}/element/{one}/text") for one in self._found(selector)]

    def text(self, selector: str) -> str:
        (said,) = self.texts(selector)
        return said

    def click(self, selector: str) -> None:
        one = self._found(selector)[0]
        _ask("POST", f"{self._session}/element/{one}/click", {})

    def type(self, selector: str, text: str) -> None:
        """Types at an element, which may be in the middle of a text; keys such as U+E007 are WebDriver's."""
        one = self._found(selector)[0]
        _ask("POST", f"{self._session}/element/{one}/value", {"text": text})

    def script(self, code: str) -> Any:
        return _ask("POST", f"{self._session}/execute/sync", {"script": code, "args": []})

    def devtools(self, command: str, **parameters: Any) -> None:
        _ask("POST", f"{self._session}/goog/cdp/execute", {"cmd": command, "params": parameters})

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(_ask("GET", f"{self._session}/screenshot")))

    def complaints(self) -> list[str]:
        """Returns what the browser's console has said since it was asked last."""
        return [entry["message"] for entry in _ask("POST", f"{self._session}/se/log", {"type": "browser"})]

    def _found(self, selector: str) -> list[str]:
        found = _ask("POST", f"{self._session}/elements", {"using": "css selector", "value": selector})
        return [one[_ELEMENT] for one in found]


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Gives a browser with a profile of its own in a folder, or skips the test where there is none."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("needs a browser: chromium and chromedriver (Debian's packages chromium and chromium-driver)")
    log = folder / "chromedriver.log"
    with log.open("wb") as output:
        process = subprocess.Popen([driver, "--port=0"], stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: "successfully on port" in log.read_text("utf-8"))
        port = log.read_text("utf-8").partition("successfully on port ")[2].partition(".")[0]
        options = {"binary": chromium, "args": [*_FLAGS, f"--user-data-dir={folder / 'profile'}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        begun = _ask("POST", f"http://127.0.0.1:{port}/session", {"capabilities": {"alwaysMatch": wanted}})
        session = f"http://127.0.0.1:{port}/session/{begun['sessionId']}"
        yield Browser(session)
        _ask("DELETE", session)
    finally:
        process.terminate()
        process.wait()


def _ask(method: str, address: str, said: dict[str, Any] | None = None) -> Any:
    body = None if said is None else json.dumps(said).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # A proxy is not for this machine itself.
    with opener.open(request, timeout=300) as response:
        return json.load(response)["value"]
