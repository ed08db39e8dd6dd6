"""Label tree of a text: parents before children, labels of several parents below each, values beside them."""

import io

from rich.console import Console

from harness.predicting.label_tree import plain, show
from tests.harness.predicting.made_up import HIERARCHY


def test_labels_stand_below_their_parents_with_their_values() -> None:
    said = plain(HIERARCHY, {"Art": 0.9, "Opera": 0.61234, "Contracts": 0.5})
    assert said.splitlines() == [
        "Art  0.900",
        "  Music  -",
        "    Opera  0.612",
        "  Contracts  0.500",
        "Law  -",
        "  Contracts  0.500",
    ]
    assert plain(HIERARCHY, {}) == ""


def test_a_terminal_gets_bars_and_a_pipe_plain_lines() -> None:
    pipe, terminal = io.StringIO(), io.StringIO()
    show(HIERARCHY, {"Law": 0.5}, Console(file=pipe))
    show(HIERARCHY, {"Law": 0.5, "Contracts": 0.25}, Console(file=terminal, force_terminal=True, width=60))
    assert pipe.getvalue() == "Law  0.500\n"
    assert terminal.getvalue().count("█") == 10 + 5 + 5, "below both of its parents"
