"""Exit codes of the commands, and how a mistake or an interruption is shown."""

import os
import signal
import sys
from collections.abc import Callable

from harness.core.errors import UserError


def run_command(main: Callable[[], int]) -> None:
    """Ends the process with the entry point's exit code: 2 on a user's mistake, 130 when interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = main()
        sys.stdout.flush()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("Interrupted. What was finished is kept; the same command goes on.", file=sys.stderr)
        code = 130
    except BrokenPipeError:  # Such as `... --list | head`: nobody is reading any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)
