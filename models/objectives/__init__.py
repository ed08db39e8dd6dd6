"""Objectives: logits to a loss, and to the probabilities that the loss trains. One file per objective.

`base` is the contract. `bce`, `champ`, `conditional_sigmoid`, `conditional_softmax` and `max_constraint` are registered
in `models/__init__.py`; each can be used with any model whose loss is a sum over labels.
"""
