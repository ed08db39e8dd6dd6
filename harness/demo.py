"""A page in the browser for an exported model: type a text, see its labels, and which words moved each.

    python -m harness.demo FOLDER

It serves this machine alone, at the address that it prints, until Ctrl-C.
"""

import argparse
import os
import socket
import sys
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

import uvicorn

from harness.core.errors import ConfigError
from harness.core.main import run_command
from harness.predicting.page import HOST, Page
from harness.reporting.export import CARD
from models.load import load


class _Server(uvicorn.Server):
    """A server that lets its page know when it is to end."""

    def __init__(self, page: Page):
        super().__init__(uvicorn.Config(page.application, log_level="warning", lifespan="off", ws="none"))
        self._page = page

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._page.stop()
        super().handle_exit(sig, frame)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves the page until it is interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of an exported model")
    parser.add_argument("--port", type=int, default=0, help="port to serve at (default: a free one)")
    asked = parser.parse_args(arguments)
    page = Page(load(asked.folder), _title(asked.folder))
    with _listening(asked.port) as listener:
        address = f"http://{HOST}:{listener.getsockname()[1]}/"
        print(f"{address}    Ctrl-C ends it.", flush=True)
        if _has_display():
            webbrowser.open(address)
        with suppress(KeyboardInterrupt):
            _Server(page).run([listener])
    return 130


def _title(folder: Path) -> str:
    """Returns the heading of the model's card, or the folder's name where it has none."""
    card = folder / CARD
    lines = card.read_text("utf-8").splitlines() if card.is_file() else []
    return next((line.removeprefix("# ") for line in lines if line.startswith("# ")), folder.resolve().name)


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigError(f"Nothing can be served at port {port} ({error}). Name another --port, or none.") from None
    return listener


def _has_display() -> bool:
    return sys.stdout.isatty() and any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


if __name__ == "__main__":
    run_command(main)
