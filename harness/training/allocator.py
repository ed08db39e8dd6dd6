"""Keeps freed memory with the process, so that a training step does not ask the system for it anew."""

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_MOST = 2**31 - 1


def keep_freed_memory() -> None:
    """Tells glibc to hand no block back before the process ends; does nothing with another C library.

    By default every tensor of some megabytes is mapped when it is made and unmapped when it is freed,
    and the kernel clears its pages each time, which takes longer than most arithmetic on it.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, _MOST)
