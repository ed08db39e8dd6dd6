"""Seq2seq label generation (Torba et al. 2024): `seq2seq` is the model.

`label_orders` writes a set of labels as a sequence, `label_tokens` spells it in tokens and says which may come next,
`t5_decoder` is the decoder.
"""
