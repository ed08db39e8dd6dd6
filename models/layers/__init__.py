"""Layers: building blocks that two models or more share. A part of one model belongs in that model's folder.

* `per_head`: linear maps, batch norm and sums with parameters for each head, computed for all heads at once;
  `batched_matmul`: the matrix products below them, as one autograd operation.
* `gcn`, `tree_lstm`: HiAGM's two ways to pass messages over the label graph. `message_passing`: PyTorch Geometric's.
* `ancestors`: maxima over descendants, sums over ancestors. `level_losses`: losses of models with a classifier per
  level.
* `dropout`: dropout that is cheap on a CPU.
"""
