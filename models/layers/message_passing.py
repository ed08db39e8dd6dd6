"""PyTorch Geometric's message passing, imported without the libraries that only other parts of it want.

`import torch_geometric` imports all of it, its data sets and language models too, and with them Transformers and
pandas, which are optional to it: it tries them, and does without where they are not installed. Here they count as not
installed while it is imported, unless something else has imported them before; afterwards they are as ever. That
saves one of the two and a half seconds. The rest is PyTorch Geometric itself and torch's compiler, which it needs.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

CHANGES_NO_NUMBER = "It only imports."
_OPTIONAL = ("transformers", "pandas")


@contextmanager
def _not_installed(names: tuple[str, ...]) -> Iterator[None]:
    """Makes imports of libraries fail, of those that nobody has imported yet."""
    new = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(new))  # type: ignore[arg-type]  # None refuses, by the language's own rule.
    try:
        yield
    finally:
        for name in new:
            del sys.modules[name]


with _not_installed(_OPTIONAL):
    from torch_geometric.nn.conv import MessagePassing
    from torch_geometric.utils import softmax

__all__ = ["MessagePassing", "softmax"]
