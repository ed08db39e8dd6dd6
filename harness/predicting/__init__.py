"""Predictions of a saved model for new texts, on a screen, in files or on a web page.

* `documents`: texts of a file, one after the other
* `label_tree`: predicted labels of one text, as a tree
* `parts`: batches of a file's predictions, kept until they are joined
* `files`: predictions of a file of texts, in batches, going on after an interruption
* `attribution`: words that moved a label, by leaving each out
* `page`, `page.html`: both on a web page, for a browser on the same machine
* `folders`: predictions of a folder of Parquet files, batch by batch on many workers
"""
