"""Ranking metrics: how many of a document's likeliest labels are gold, whatever the threshold.

The formulas are those of Chalkidis et al. 2019, *Large-scale multi-label text classification on EU legislation*
(section 5), and their program: means over documents that have gold labels. Every label of the hierarchy is ranked,
inner ones too, against gold that is closed under ancestors (ours; the paper's gold is the assigned labels only, so
these are not its published numbers).

* `precision_at_K`: gold labels among the first K, over K.
* `rp_at_K`: the same over min(K, number of gold labels), R-precision at K.
* `ndcg_at_K`: gold labels among the first K, each over log2(1 + its rank), over the most that this could be.
* `r_precision`: precision at the number of gold labels (Manning et al. 2008, section 8.4).

K is 1, 3 and 5, as far as there are so many labels; the first rank has one metric, as all three are equal there. Labels
of one value share their ranks: each counts with the mean over all orders, as if ties were broken by chance (McSherry
and Najork 2008, *Computing information retrieval performance measures efficiently in the presence of tied scores*).
Labels that are not kept, see `datasets/storage/predictions.py`, or have the value 0, count as ranked below all others
and as not gold.
"""

import numpy as np
import scipy.sparse

from datasets.storage.predictions import LabelValues
from harness.scoring.decisions import is_gold

RANKS = (1, 3, 5)


def ranking(values: LabelValues, gold: scipy.sparse.csr_array) -> dict[str, float]:
    """Returns every ranking metric, in points; `gold` is (documents, L) booleans."""
    num_gold_N = np.diff(gold.indptr)
    num_documents = int((num_gold_N > 0).sum())
    rows = values.rows
    order = np.lexsort((-values.values.astype(np.float32), rows))
    rank = np.arange(len(rows)) - values.offsets[rows]
    tied = values.values[order]
    starts = np.flatnonzero((np.diff(rows, prepend=-1) != 0) | (np.diff(tied, prepend=np.float16(2)) != 0))
    sizes = np.diff([*starts, len(rows)])
    hits = np.add.reduceat(is_gold(values, gold)[order].astype(float), starts) if len(starts) else np.zeros(0)
    gain = np.repeat(hits / sizes, sizes)
    num_gold = num_gold_N[rows]
    discount = 1 / np.log2(np.arange(max(RANKS)) + 2)
    ideal = np.concatenate([[0], np.cumsum(discount)])
    found = {"r_precision": (gain / num_gold.clip(1))[rank < num_gold].sum()}
    for most in (most for most in RANKS if most <= gold.shape[1]):
        top = rank < most
        found[f"precision_at_{most}"] = gain[top].sum() / most
        if most > 1:
            reachable = num_gold[top].clip(1, most)
            found[f"rp_at_{most}"] = (gain[top] / reachable).sum()
            found[f"ndcg_at_{most}"] = (gain[top] * discount[rank[top]] / ideal[reachable]).sum()
    return {name: 100 * float(total) / max(num_documents, 1) for name, total in found.items()}
