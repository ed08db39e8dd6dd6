"""Progress of loops: silent, a line, or a bar."""

import pytest

from datasets.storage import progress
from datasets.storage.progress import show_progress, track


def test_nothing_is_shown_unless_asked_for(capsys):
    assert list(track(range(3), "things")) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_a_line_for_every_stretch_of_work_where_there_is_no_terminal(capsys):
    with show_progress():
        inner = (list(track(range(2), "pages", 2)) for _ in range(2))
        assert list(track(inner, "books")) == [[0, 1], [0, 1]]
    assert capsys.readouterr().err == "2 pages\n2 pages\n2 books\n"


def test_a_bar_with_its_total_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with show_progress():
        assert sum(track(range(250), "stories", 250)) == 31_125
    said = capsys.readouterr().err
    assert "stories" in said and "250/250" in said


def test_an_error_passes_and_ends_the_showing(capsys):
    with pytest.raises(ZeroDivisionError), show_progress():
        for number in track([1, 0], "numbers"):
            1 / number
    list(track(range(3), "things"))
    assert "things" not in capsys.readouterr().err


def test_a_bar_moves_with_time_not_with_the_number_of_items(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    clock, seen = iter(range(100)), []
    monkeypatch.setattr(progress, "monotonic", lambda: float(next(clock)))
    with show_progress():
        for _ in track(range(4), "months", 4):
            seen.append(progress._progress.get().tasks[0].completed)
    assert seen == [1, 2, 3, 4]
