"""Data card of a corpus: source, terms, splits, counts and known traps, as `--card` prints them."""

import textwrap
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import DataError


@dataclass(frozen=True)
class Card:
    """What to know about a corpus before using it.

    Attributes:
        name: Name in sweep files.
        title: Full name.
        summary: One sentence.
        language: Language of the texts.
        licence: Terms of the texts and labels.
        citation: Publication to cite.
        obtain: How to get the files: what, from whom, under which terms.
        splits: Sizes and origin of train, validation and test.
        counts: Documents, labels, branches and depth, as measured.
        traps: Known surprises, one sentence each.
        builtin: Whether the corpus is generated and needs no `--source`.
        files: Files or folders that `--source` may name.
    """

    name: str
    title: str
    summary: str
    language: str
    licence: str
    citation: str
    obtain: str
    splits: str
    counts: str
    traps: tuple[str, ...] = ()
    builtin: bool = False
    files: str = ""

    @property
    def command(self) -> str:
        """The command that prepares the corpus."""
        return f"python -m datasets.prepare {self.name}" + ("" if self.builtin else " --source PATH")

    def render(self) -> str:
        """Returns the card as plain text, wrapped at 100 columns."""
        fields = {
            "Summary": self.summary,
            "Language": self.language,
            "Terms": self.licence,
            "Cite": self.citation,
            "Get it": self.obtain,
            "Files": self.files,
            "Splits": self.splits,
            "Counts": self.counts,
            "Prepare": self.command,
        }
        lines = [f"{self.name}: {self.title}", ""]
        for field, text in fields.items():
            if text:
                lines += textwrap.wrap(f"{field + ':':<10}{text}", 100, subsequent_indent=" " * 10)
        if self.traps:
            lines += ["", "Beware:"]
            for trap in self.traps:
                lines += textwrap.wrap(trap, 100, initial_indent="  - ", subsequent_indent="    ")
        return "\n".join(lines)

    def require_source(self, source: Path | None) -> Path:
        """Returns the source if it exists.

        Raises:
            DataError: When no source was given or it does not exist, with what to get.
        """
        if source is None:
            raise DataError(f"The corpus {self.name!r} is not shipped. {self.obtain} Then run `{self.command}`.")
        if not source.exists():
            raise DataError(f"There is nothing at {source}. For {self.name!r}, --source is: {self.files}")
        return source
