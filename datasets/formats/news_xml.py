"""XML of news stories, parsed without custom entities: nothing is expanded or fetched.

The five predefined entities and character references are resolved. A document that declares entities is refused,
since a few lines of them can expand to gigabytes or name a local file. A document type declaration alone is ignored,
and so are references to entities that it may define.
"""

from collections.abc import Collection
from dataclasses import dataclass
from xml.parsers import expat

from harness.core.errors import DataError

_DEEPEST = 50
"""Greatest nesting. Every open element keeps its text, so memory would grow with the square of the nesting."""


@dataclass
class Element:
    """An element of the document.

    Attributes:
        name: Name of its tag.
        parents: Tags of the elements around it, from the outermost.
        attributes: Attributes of the tag.
        text: All text inside it.
    """

    name: str
    parents: tuple[str, ...]
    attributes: dict[str, str]
    text: str = ""


def find_elements(content: bytes, names: Collection[str], place: str) -> list[Element]:
    """Returns the elements with some tags, in the order in which they start.

    Args:
        content: An XML document in the encoding that it declares.
        names: Names of the tags.
        place: Name of the document in errors.

    Raises:
        DataError: When it is not well-formed, declares an entity, or nests elements too deep.
    """
    reader = _Reader(names, place)
    try:
        reader.parser.Parse(content, True)
    except expat.ExpatError as error:
        raise DataError(f"{place}, line {error.lineno}: not well-formed XML ({error}). Get the file again.") from None
    except DataError:
        raise
    except (LookupError, ValueError) as error:  # Encodings that Python lacks or cannot pass to expat.
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
                f"{self._place}, line {self.parser.CurrentLineNumber}: elements lie more than {_DEEPEST} deep. No "
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
