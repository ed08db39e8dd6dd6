"""Corpora for hierarchical text classification: their files are read once, stored, and shared by all trials.

In the order of data:

* `formats/` decodes files as their owners distribute them.
* `corpora/` has one reader per corpus, which yields documents with labels, splits and a hierarchy.
* `storage/` checks, stores and memory-maps prepared corpora and their tokens.
* `prepare.py` is the command that runs a reader and stores its corpus.
* `check.py` is the command that compares a prepared corpus with published counts.

A line in `READERS` makes a corpus known to sweep files. This package is the project's own and is used from the
checkout. It is not the Hugging Face package of the same name, which is not a dependency and is not imported.
"""

from datasets.storage.readers import Reader
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
        "table": "datasets.corpora.table:read",
    },
    Reader,
)
