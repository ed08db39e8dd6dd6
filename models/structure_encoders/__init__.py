"""Structure encoders: text vectors to a logit per label, for a list of heads at once. One file or folder per model.

`base` is the contract, `template` the model to copy, `flat` the control without structure. `text_propagation` is the
common body of HiAGM and its kin. A model with parts of its own has a folder: `hitin`, `himatch`, `seq2seq`,
`gradient_routing`. What two models share belongs in `models/layers/`.
"""
