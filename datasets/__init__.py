"""What models are trained on. One file per corpus; a line here makes it known to sweep files.

This package is the project's own and is used from the checkout. It is not the Hugging Face package
of the same name, which is no dependency and which nothing here imports.
"""

from harness.core.registry import Registry

READERS = Registry(
    "dataset",
    {
        "pydocs": "datasets.corpora.pydocs:read",
        "synthetic": "datasets.corpora.synthetic:read",
        "wos": "datasets.corpora.wos:read",
        "rcv1": "datasets.corpora.rcv1:read",
        "nyt": "datasets.corpora.nyt:read",
        "eurlex57k": "datasets.corpora.eurlex57k:read",
        "multieurlex": "datasets.corpora.multieurlex:read",
        "newsgroups": "datasets.corpora.newsgroups:read",
        "bgc": "datasets.corpora.bgc:read",
        "germeval": "datasets.corpora.germeval:read",
        "jsonl": "datasets.corpora.jsonl:read",
    },
)
