"""Seq2seq label generation (Torba et al. 2024): `seq2seq` is the model, `t5_decoder` its decoder.

`label_orders` writes labels as a sequence, `label_tokens` spells it in tokens and says which tokens may come next.
"""
