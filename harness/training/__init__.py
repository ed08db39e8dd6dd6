"""One trial, alone in a process, without Ray and without MLflow.

* `run`: attempts, failures and the record, for every kind of trial
* `kinds`: the protocol of a kind of trial
* `trained`: the kind that is trained by gradients, and tested at its best epochs
* `fitted`: the kind that is fitted at once, or was predicted elsewhere
* `build`: device, data and model of a trained trial
* `tokenised`: tokens of a corpus, and vectors of texts
* `train`: the training loop
* `evaluate`: scores of a split
* `checkpoint`: where to go on after an interruption
* `memory`: too little memory: refused, told, measured
"""

import os

NUMERICS = {"training": 1}
"""Version of every file here: raised whenever a change alters what a trial learns, or what is measured of it."""

# Large tensors in huge pages: a training step on a CPU is up to a third shorter. Read by torch when it is imported.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
