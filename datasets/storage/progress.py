"""Progress bars of corpus preparation on a terminal; elsewhere one line for each finished loop.

Readers wrap their loops in `track`. It is silent unless inside `show_progress`, which only the commands enter, so a
program can prepare a corpus without output.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")

_EVERY_SECONDS = 0.1
_progress: "ContextVar[Progress | None]" = ContextVar("progress", default=None)


@contextmanager
def show_progress() -> Iterator[None]:
    """Shows the progress of tracked loops on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), Remaining())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        token = _progress.set(progress)
        try:
            yield
        finally:
            _progress.reset(token)


def track(items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
    """Yields the items and shows how many have been yielded.

    Args:
        items: Items of the loop.
        what: Plural noun for them.
        total: Number of items, if known.
    """
    progress = _progress.get()
    if progress is None:
        yield from items
        return
    task, count, shown_at = progress.add_task(what, total=total), 0, float("-inf")
    for count, item in enumerate(items, 1):
        # Updated by time, since an item may take microseconds or seconds.
        if (now := monotonic()) - shown_at >= _EVERY_SECONDS:
            progress.update(task, completed=count)
            shown_at = now
        yield item
    progress.update(task, completed=count, total=count)
    if progress.disable:
        print(f"{count:,} {what}", file=sys.stderr)
