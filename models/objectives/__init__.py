"""Objectives: logits to a loss, and to the probabilities that the loss trains. One file per objective.

`base` is the contract. `bce`, `champ`, `conditional_sigmoid`, `conditional_softmax`, `max_constraint` and
`squared_hinge` are registered in `models/__init__.py`; each can be used with any model whose loss is a sum over labels.
"""
