"""Running out of memory: what says so, what to try next, and how much of a device a process needs."""

import gc
from collections.abc import Callable
from typing import TypeVar

import torch

from harness.core.text import one_line

Result = TypeVar("Result")

_WORDS = ("DefaultCPUAllocator", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""What errors say that have no type of their own."""


def is_out_of_memory(error: Exception) -> bool:
    """Returns whether an error means that a device, or the machine, has no memory left."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(text in str(error) for text in _WORDS)


def until_it_fits(train: Callable[[int], Result], most: int, is_worth_it: Callable[[str], bool]) -> Result | None:
    """Trains with whole batches, then with twice as many parts of each every time that memory runs out.

    Args:
        train: Takes the number of parts that each batch is to be cut into.
        most: Parts that a batch can be cut into.
        is_worth_it: Gets told what happened, and returns whether to try again.

    Returns:
        What the training returned that fitted; None where it was not worth it.

    Raises:
        Exception: The one that said so where memory ran out even with the most parts, and any other.
    """
    parts = 1
    while True:
        try:
            return train(parts)
        except Exception as error:
            if parts == most or not is_out_of_memory(error):
                raise
            text = f"Out of memory with {parts} parts a batch: {one_line(error, 500)}"
        # Not in the handler, where the error still holds on to the tensors of its stack.
        free()
        if not is_worth_it(text):
            return None
        parts = min(2 * parts, most)


def free() -> None:
    """Gives back what nothing refers to any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def read() -> tuple[int, int]:
    """Returns the most bytes of the GPU that this process has held, its context included, and the GPU's bytes.

    What others hold of the GPU counts as this process's.
    """
    free_bytes, total = torch.cuda.mem_get_info()
    outside = total - free_bytes - torch.cuda.memory_reserved()
    return torch.cuda.max_memory_reserved() + outside, total
