"""Groups of frequent, rare and unseen labels, by number of training documents."""

import numpy as np
import numpy.typing as npt

FREQUENT = 50
GROUPS = {
    "frequent": f"at least {FREQUENT} training documents",
    "few": f"1 to {FREQUENT - 1}",
    "zero": "none",
}
"""Name and meaning of each group; only the documents that a trial is trained on are counted."""

Bools = npt.NDArray[np.bool_]


def label_groups(counts_L: npt.NDArray[np.int64]) -> dict[str, Bools]:
    """Returns the members of each group that has any, as (L,) booleans by name.

    After Chalkidis et al. (2019). They write "more than 50" of frequent labels, but only "at least 50" gives the 746
    that they count in EURLEX57K.

    Args:
        counts_L: Number of training documents of each label.
    """
    frequent_L, zero_L = counts_L >= FREQUENT, counts_L == 0
    groups = dict(zip(GROUPS, (frequent_L, ~frequent_L & ~zero_L, zero_L), strict=True))
    return {name: group_L for name, group_L in groups.items() if group_L.any()}
