"""HiMatch (Chen et al. 2021): `himatch` is the model.

`label_descriptions` describes labels by words of their documents, `label_matching` draws labels and has the losses.
"""
