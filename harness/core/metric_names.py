"""Names of metrics that several rooms know: the two headline ones, micro F and macro F, and branch cosines."""

from typing import Literal, get_args

Headline = Literal["micro_f1", "macro_f1"]
HEADLINE: tuple[Headline, ...] = get_args(Headline)
BRANCH_COSINE = "branch_cosine_"  # Begins the names of what `models/branch_cosines.py` measures.
