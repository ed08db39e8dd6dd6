"""How experiments run: sweep file, plan, trial, store, MLflow, statistics, table."""

import os

# Large tensors in huge pages: a training step on a CPU is up to a third shorter. Read by torch when it is imported.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
