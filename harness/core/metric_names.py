"""Names of the two headline metrics: micro F and macro F."""

from typing import Literal, get_args

Headline = Literal["micro_f1", "macro_f1"]
HEADLINE: tuple[Headline, ...] = get_args(Headline)
