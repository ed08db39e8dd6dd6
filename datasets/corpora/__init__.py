"""Corpus readers, one file each: a data card, `read`, and the published counts.

* `read(source, **options)` returns a `CorpusSource`; its keyword arguments are the options of sweep files.
* `CARD` describes the corpus; `RECIPE` grows when `read` makes something else of the same source.
* `published(options)` and `convention(corpus)` are optional, see `datasets.storage.counts`.
* `inputs(options)` is optional: what a built-in corpus depends on besides its options, such as package versions.

* Options that select labels are those of `datasets.storage.label_selection`, for every reader.

`rcv1_lists.py` and `wos_labels.py` belong to the readers of their names; `table_columns.py` and `table_labels.py` to
`table.py`.
"""
