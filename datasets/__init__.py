"""What models are trained on. One file per corpus; a line here makes it known to sweep files.

This package is the project's own and is used from the checkout. It is not the Hugging Face package
of the same name, which is no dependency and which nothing here imports.
"""

from harness.registry import Registry

READERS = Registry(
    "dataset",
    {
        "pydocs": "datasets.pydocs:read",
        "synthetic": "datasets.synthetic:read",
        "wos": "datasets.wos:read",
        "rcv1": "datasets.rcv1:read",
        "nyt": "datasets.nyt:read",
        "eurlex57k": "datasets.eurlex57k:read",
        "multieurlex": "datasets.multieurlex:read",
        "newsgroups": "datasets.newsgroups:read",
        "bgc": "datasets.bgc:read",
        "germeval": "datasets.germeval:read",
        "jsonl": "datasets.jsonl:read",
    },
)
