"""A function that runs epoch by epoch: in a thread of its own, which waits after each epoch until it may go on."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

from harness.training.kinds import EpochCallback

Entry = dict[str, float]


class Stepwise:
    """Runs a function that calls back after each epoch, and pauses it there.

    Args:
        run: The function; it gets the callback.
    """

    def __init__(self, run: Callable[[EpochCallback], None]):
        self._run = run
        self._is_stopped = False
        self._go = threading.Semaphore(0)
        self._events: SimpleQueue[Entry | BaseException | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._main, daemon=True)
        self._thread.start()

    def step(self) -> Entry | None:
        """Runs to the end of the next epoch and returns its entry of the history; None at the end of the function.

        Raises:
            Exception: What the function raised.
        """
        self._go.release()
        event = self._events.get()
        if isinstance(event, BaseException):
            raise event
        return event

    def stop(self) -> None:
        """Ends the function where it is paused; does nothing where it has ended."""
        self._is_stopped = True
        self._go.release()
        self._thread.join()

    def _main(self) -> None:
        self._go.acquire()
        try:
            if not self._is_stopped:
                self._run(self._pause)
            self._events.put(None)
        except _Stop:
            pass
        except BaseException as error:
            self._events.put(error)

    def _pause(self, entry: Entry) -> None:
        self._events.put(entry)
        self._go.acquire()
        if self._is_stopped:
            raise _Stop


class _Stop(BaseException):
    """Unwinds the function; no failure, so nothing that handles failures may see it."""
