"""Memory of a trial: refused where it cannot suffice, told when it ran out, measured, kept when freed.

Refused is only what certainly cannot fit: what is counted is a lower bound, and what it is held against is
all the memory there is, whoever may be using some of it now. Counted are a head's parameters, exactly, each

* four times where it is trained: weight, gradient, and the two moments of AdamW;
* twice more in the memory of the CPU: the weights of the best epochs by micro and by macro F, which the
  first epoch is both of;

and the logits of one document with their gradients, since a batch may be cut into parts as small as that. Not
counted are the text encoder, all other activations, and the copies that a checkpoint makes while it is saved.
"""

import ctypes
import gc
import os
import platform
import resource
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:  # What runs a trial without heads does not depend on them.
    from models.branch_heads import BranchHeads

Result = TypeVar("Result")

_FACTORIES = {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn}
_TRAINED, _KEPT = 4, 2
_BYTES_OF_A_LOGIT = 4


class TooLarge(Exception):
    """The heads cannot fit; the message says what they need, what there is, and what to change."""


@dataclass(frozen=True)
class MemoryNeed:
    """The least memory that training takes, in bytes, and the number of the heads' parameters."""

    num_parameters: int
    device: int  # Where the heads are trained.
    cpu: int  # In the memory of the CPU; where that is the device, besides those of `device`.


class _Unallocated(TorchFunctionMode):
    """Makes new numbers without memory, on torch's `meta` device, and draws none of the random ones.

    Not `torch.device("meta")`, on which nothing can depend on the values of a tensor: those that come from
    the hierarchy, and say how nodes are wired, stay real.
    """

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        chosen = dict(kwargs or {})
        dtype = chosen.get("dtype")
        if function in _FACTORIES and chosen.get("device") is None and (dtype is None or dtype.is_floating_point):
            chosen["device"] = "meta"
        return function(*args, **chosen)


def unallocated(build: Callable[[], Result]) -> Result:
    """Returns what `build` makes, with all parameters but without their memory; the random streams stay as they are."""
    with _Unallocated():
        return build()


def need(heads: "BranchHeads") -> MemoryNeed:
    """Returns the least memory that training some heads takes, be they allocated or not."""
    sizes = [(parameter.nbytes, _TRAINED if parameter.requires_grad else 1) for parameter in heads.parameters()]
    return MemoryNeed(
        num_parameters=sum(parameter.numel() for parameter in heads.parameters()),
        device=sum(size * copies for size, copies in sizes) + 2 * _BYTES_OF_A_LOGIT * heads.num_labels,
        cpu=_KEPT * sum(size for size, _ in sizes),
    )


def refuse_too_large(
    build: "Callable[[], BranchHeads]", device: torch.device, *, model: str, merge: str, options: Mapping[str, Any]
) -> None:
    """Raises TooLarge where the heads that `build` makes certainly cannot be trained on a device.

    Model, merge and options are what they are made of, for the message.
    """
    heads = unallocated(build)
    needed = need(heads)
    if device.type == "cuda":
        bounds = [(needed.device, gpu_memory(device), "the GPU"), (needed.cpu, cpu_memory(), "this process")]
    else:
        bounds = [(needed.device + needed.cpu, cpu_memory(), "this process")]
    for wanted, there, whose in bounds:
        if wanted > there:
            ways = ["`projection`"] if merge != "projection" else []
            ways += [f"a `{name}` below {value}" for name, value in options.items() if name.endswith("width")]
            raise TooLarge(
                f"The heads of {model} with {heads.num_labels:,} labels and merge {merge} have "
                f"{needed.num_parameters:,} parameters, which need at least {_gib(wanted)} to train; {whose} has "
                f"{_gib(there)}. Use {', '.join([*ways, 'fewer labels'])}, or more memory and `--retry-failed`."
            )


def _gib(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB"


def gpu_memory(device: torch.device) -> int:
    """Returns all bytes of a GPU: a trial that shares it gets it alone where its share proves too small."""
    return torch.cuda.mem_get_info(device)[1]


def cpu_memory(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Returns the bytes that this process can have on the CPU: of the machine or its control groups, and of swap.

    The folders are the kernel's views of processes and of control groups, of either version; neither need be there.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    swap = [1024 * int(line.split()[1]) for line in _lines(proc / "meminfo") if line.startswith("SwapTotal:")]
    return min([machine, *_limits(proc, groups)]) + sum(swap)


def _limits(proc: Path, groups: Path) -> Iterator[int]:
    """Yields the limit of every control group that this process is in, the groups around it included."""
    for line in _lines(proc / "self" / "cgroup"):
        _, controllers, path = line.split(":", 2)
        if not controllers:
            top, name = groups, "memory.max"
        elif "memory" in controllers.split(","):
            top, name = groups / "memory", "memory.limit_in_bytes"
        else:
            continue
        own = top / path.lstrip("/")
        # A container may see the limit of its own group at the top, whatever the path says.
        for group in {own, *own.parents, top}:
            if group == top or top in group.parents:
                yield from (int(limit) for limit in _lines(group / name) if limit.isdigit())


def _lines(path: Path) -> list[str]:
    """Returns the lines of a file; none where it cannot be read."""
    try:
        return path.read_text("ascii").splitlines()
    except OSError:
        return []


_WORDS = ("DefaultCPUAllocator", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""What errors say that have no type of their own."""


def is_out_of_memory(error: Exception) -> bool:
    """Returns whether an error means that a device, or the machine, has no memory left."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(text in str(error) for text in _WORDS)


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


def peak_mb(device: torch.device) -> float:
    """Returns the most MiB that this process has held of a GPU, or of the machine's memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def keep_freed_memory() -> None:
    """Tells glibc to hand no block back before the process ends; does nothing with another C library.

    By default every tensor of some megabytes is mapped when it is made and unmapped when it is freed,
    and the kernel clears its pages each time, which takes longer than most arithmetic on it.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(-4, 0)  # M_MMAP_MAX
        library.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
