"""Predictions of a saved model for new texts, on a screen or in files.

* `documents`: texts of a file, one after the other
* `label_tree`: predicted labels of one text, as a tree
* `files`: predictions of a file of texts, in batches, going on after an interruption
"""
