"""Systems that are fitted, not trained by gradient: texts to a value per label. One file per system.

`base` is the contract. `constant` reads no document. `tfidf` makes the features of all others: `linear` and `logistic`
are one-vs-rest classifiers, `top_down` is one along the hierarchy, `label_tree` is for thousands of labels, `nearest`
looks documents up. `one_vs_rest` is what the first three share. `kept` writes
and reads the files of a fitted one.
"""
