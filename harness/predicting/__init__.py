"""Predictions of a saved model for new texts, on a screen or in files.

* `documents`: texts of a file, one after the other
* `label_tree`: predicted labels of one text, as a tree
* `parts`: batches of a file's predictions, kept until they are joined
* `files`: predictions of a file of texts, in batches, going on after an interruption
* `folders`: predictions of a folder of Parquet files, batch by batch on many workers
"""
