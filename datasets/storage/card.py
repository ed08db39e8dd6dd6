"""What a corpus is, where it comes from, and what to beware of: the text behind `--card`."""

import textwrap
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import DataError


@dataclass(frozen=True)
class Card:
    """The facts about one corpus that somebody needs before using it.

    Attributes:
        name: What a sweep file calls it.
        title: Its full name.
        summary: One line.
        language: Language of the texts.
        licence: Terms of the texts and labels.
        citation: What to cite.
        obtain: What to get, from whom, and under which terms.
        splits: How train, validation and test are made.
        counts: Documents, labels, branches and depth, as measured.
        traps: Known surprises, one sentence each.
        builtin: Whether it is made on the spot and needs no `--source`.
        files: What `--source` may point to.
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

    def need(self, source: Path | None) -> Path:
        """Returns the given source.

        Raises:
            DataError: When none was given or nothing is there; says what to get.
        """
        if source is None:
            raise DataError(f"The corpus {self.name!r} is not shipped. {self.obtain} Then run `{self.command}`.")
        if not source.exists():
            raise DataError(f"There is nothing at {source}. For {self.name!r}, --source is: {self.files}")
        return source
