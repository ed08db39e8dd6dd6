"""Whether a trial's heads can fit into memory at all, found out without making anything of their size.

Refused is only what certainly cannot fit: what is counted is a lower bound, and what it is held against is
all the memory there is, whoever may be using some of it now. Counted are a head's parameters, exactly, each

* four times where it is trained: weight, gradient, and the two moments of AdamW;
* twice more in the memory of the CPU: the weights of the best epochs by micro and by macro F, which the
  first epoch is both of;

and the logits of one document with their gradients, since a batch may be cut into parts as small as that. Not
counted are the text encoder, all other activations, and the copies that a checkpoint makes while it is saved.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from models.branch_heads import BranchHeads

Module = TypeVar("Module", bound=nn.Module)

_FACTORIES = {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn}
_TRAINED, _KEPT = 4, 2
_BYTES_OF_A_LOGIT = 4


class TooLarge(Exception):
    """The heads cannot fit; the message says what they need, what there is, and what to change."""


@dataclass(frozen=True)
class MemoryNeed:
    """The least memory that training takes.

    Attributes:
        num_parameters: Of the heads.
        device: Bytes where the heads are trained.
        kept: Bytes in the memory of the CPU, on a CPU besides those of `device`.
    """

    num_parameters: int
    device: int
    kept: int


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


def unallocated(build: Callable[[], Module]) -> Module:
    """Returns what `build` makes, with all parameters but without their memory; the random streams stay as they are."""
    with _Unallocated():
        return build()


def need(heads: BranchHeads) -> MemoryNeed:
    """Returns the least memory that training some heads takes, be they allocated or not."""
    sizes = [(parameter.nbytes, _TRAINED if parameter.requires_grad else 1) for parameter in heads.parameters()]
    return MemoryNeed(
        num_parameters=sum(parameter.numel() for parameter in heads.parameters()),
        device=sum(size * copies for size, copies in sizes) + 2 * _BYTES_OF_A_LOGIT * heads.num_labels,
        kept=_KEPT * sum(size for size, _ in sizes),
    )


def refuse_too_large(
    build: Callable[[], BranchHeads], device: torch.device, *, model: str, merge: str, options: Mapping[str, Any]
) -> None:
    """Raises TooLarge where heads certainly cannot be trained on a device.

    Args:
        build: Makes the heads.
        device: Where they are to be trained.
        model: Their structure encoder, for the message.
        merge: Likewise.
        options: Of the structure encoder, likewise.
    """
    heads = unallocated(build)
    needed = need(heads)
    if device.type == "cuda":
        bounds = [(needed.device, gpu_memory(device), "the GPU"), (needed.kept, cpu_memory(), "this process")]
    else:
        bounds = [(needed.device + needed.kept, cpu_memory(), "this process")]
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

    Args:
        proc: The kernel's view of processes; need not be there.
        groups: The kernel's view of control groups, of either version; likewise.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_limits(proc, groups)]) + _swap(proc)


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


def _swap(proc: Path) -> int:
    """Returns the bytes of swap space."""
    found = [line.split()[1] for line in _lines(proc / "meminfo") if line.startswith("SwapTotal:")]
    return 1024 * int(found[0]) if found else 0


def _lines(path: Path) -> list[str]:
    """Returns the lines of a file; none where it cannot be read."""
    try:
        return path.read_text("ascii").splitlines()
    except OSError:
        return []
