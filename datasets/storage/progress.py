"""What a preparation shows while it reads: a bar on a terminal, a line for each stretch of work elsewhere.

Readers pass what they loop over through `track`. Nothing is shown but inside `shown`, which the command
line enters; so a corpus can be prepared from a program without a word.
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
def shown() -> Iterator[None]:
    """Shows on standard error whatever is tracked inside."""
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
    """Yields the items, and shows how many have passed.

    Args:
        items: What is looped over.
        what: Their name, in the plural.
        total: How many there will be, if known.
    """
    progress = _progress.get()
    if progress is None:
        yield from items
        return
    task, count, shown_at = progress.add_task(what, total=total), 0, float("-inf")
    for count, item in enumerate(items, 1):
        # By time: a month of articles takes seconds, an article none.
        if (now := monotonic()) - shown_at >= _EVERY_SECONDS:
            progress.update(task, completed=count)
            shown_at = now
        yield item
    progress.update(task, completed=count, total=count)
    if progress.disable:
        print(f"{count:,} {what}", file=sys.stderr)
