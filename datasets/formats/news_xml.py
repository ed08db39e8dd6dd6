"""News stories as XML, read without entities: nothing is expanded, fetched, or followed.

The predefined five and numbered characters are resolved. A document that declares entities of its own is
refused, since a few lines of them can expand to gigabytes or name a file of this machine; a declaration of a
document type alone is passed over, and so is a reference to an entity that it may define.
"""

from collections.abc import Collection
from dataclasses import dataclass
from xml.parsers import expat

from harness.core.errors import DataError

_DEEPEST = 50
"""Text is kept by every open element, so nesting without a limit takes memory that grows with its square."""


@dataclass
class Element:
    """One element that was asked for.

    Attributes:
        name: Of its tag.
        inside: The tags that it lies in, from the outermost.
        attributes: Its attributes.
        text: All text inside it.
    """

    name: str
    inside: tuple[str, ...]
    attributes: dict[str, str]
    text: str = ""


def elements(content: bytes, names: Collection[str], place: str) -> list[Element]:
    """Returns the elements of some names, in the order in which they start.

    Args:
        content: An XML document in the encoding that it declares.
        names: Of the wanted tags.
        place: What to call the document in errors.

    Raises:
        DataError: When it is not well-formed, declares an entity, or nests its elements too deep.
    """
    reader = _Reader(names, place)
    try:
        reader.parser.Parse(content, True)
    except expat.ExpatError as error:
        raise DataError(f"{place}, line {error.lineno}: not well-formed XML ({error}). Get the file again.") from None
    except DataError:
        raise
    except (LookupError, ValueError) as error:  # Of an encoding that Python does not know, or cannot hand to expat.
        raise DataError(f"{place}: its encoding cannot be read ({error}). Get the file again.") from None
    return reader.found


class _Reader:
    def __init__(self, names: Collection[str], place: str):
        self.found: list[Element] = []
        self._names = names
        self._place = place
        self._path: list[str] = []
        self._open: list[Element] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._refuse

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._path) == _DEEPEST:
            raise DataError(
                f"{self._place}, line {self.parser.CurrentLineNumber}: elements lie more than {_DEEPEST} deep, and no "
                "file of this corpus comes near that; get the file again from its owner."
            )
        if name in self._names:
            element = Element(name, tuple(self._path), attributes)
            self.found.append(element)
            self._open.append(element)
        self._path.append(name)

    def _end(self, name: str) -> None:
        self._path.pop()
        if self._open and name == self._open[-1].name:
            self._open.pop()

    def _text(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def _refuse(self, name: str, *_: object) -> None:
        raise DataError(
            f"{self._place}, line {self.parser.CurrentLineNumber}: declares the entity {name!r}. Entities are never "
            "expanded, and no file of this corpus needs one; get the file again from its owner."
        )
