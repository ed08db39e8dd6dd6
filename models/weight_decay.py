"""Parameters that weight decay spares: biases, and the weights of normalisation layers.

BERT's rule (Devlin et al. 2019), read off the modules: the published programs go by the parameter names `bias` and
`LayerNorm.weight`, which spare the norms of BERT alone and a table such as T5's `relative_attention_bias`. A bias is a
parameter whose own name says so. A norm is a module whose class is named one: the libraries share no base class of
norms, and here any class counts that a norm inherits from. Everything else decays, embedding tables included.
"""

import re

from torch import nn

NUMERICS = {"weight decay": 1}

_NORM = re.compile(r"norm(?!al|ed)", re.IGNORECASE)
"""LayerNorm, RMSNorm, BatchNorm1d, NoNorm; not NormedEmbedding, which is an embedding."""


def spared(module: nn.Module) -> set[str]:
    """Returns the names of the parameters of a module, as `named_parameters` has them, that are not to decay."""
    return {
        f"{path}.{name}".lstrip(".")
        for path, part in module.named_modules()
        for name, _ in part.named_parameters(recurse=False)
        if "bias" in name or any(_NORM.search(kind.__name__) for kind in type(part).__mro__)
    }
