"""XML as evidence: read as a stream, with its entities refused and its size, depth and texts bounded."""

from typing import Any, BinaryIO, Protocol

from slipway.promotion.gates.answer import cut
from slipway.promotion.gates.reading import TooLarge, Unreadable

MOST_ELEMENTS = 5_000_000
DEEPEST = 100
MOST_OF_A_TEXT = 4096  # characters that are kept of what stands directly in an element


class Elements(Protocol):
    """What reads the elements in their order. `path` are the names of an element and of those around it, without
    prefixes, the outermost first; it changes as the reading goes on."""

    def begins(self, path: list[str], attributes: dict[str, str]) -> None: ...

    def ends(self, path: list[str], text: str) -> None:
        """`text` is what stands after the element's last child, or in it when it has none."""


def walk(read: BinaryIO, elements: Elements) -> None:
    """Raises Unreadable, saying where, and TooLarge. A document type may be named (Cobertura's files do), but nothing
    of it is fetched and nothing may be defined in it."""
    from xml.sax import SAXParseException
    from xml.sax.handler import feature_external_ges

    from defusedxml import DefusedXmlException
    from defusedxml.sax import make_parser

    parser: Any = make_parser()
    # What is not fetched cannot do harm: to forbid it would refuse every document that only names its type.
    parser.forbid_dtd, parser.forbid_entities, parser.forbid_external = False, True, False
    parser.setFeature(feature_external_ges, False)
    parser.setContentHandler(_handler(elements))
    try:
        parser.parse(read)
    except DefusedXmlException as error:
        raise Unreadable("it defines XML entities, which no report of a tool needs") from error
    except SAXParseException as error:
        where = f"line {error.getLineNumber()}, column {error.getColumnNumber()}"
        raise Unreadable(f"no well-formed XML: {cut(error.getMessage())} at {where}") from error
    except (LookupError, UnicodeError) as error:  # an encoding that nobody knows
        raise Unreadable(f"its encoding cannot be read: {cut(str(error))}") from error


def _handler(elements: Elements) -> Any:
    from xml.sax.handler import ContentHandler

    class Handler(ContentHandler):
        def __init__(self) -> None:
            super().__init__()
            self.path: list[str] = []
            self.text = ""
            self.seen = 0

        def startElement(self, name: str, attrs: Any) -> None:
            self.seen += 1
            if self.seen > MOST_ELEMENTS:
                raise TooLarge(f"more than {MOST_ELEMENTS:,} elements of XML")
            if len(self.path) >= DEEPEST:
                raise Unreadable(f"elements are nested more than {DEEPEST} deep")
            self.path.append(name.rpartition(":")[2])
            self.text = ""
            elements.begins(self.path, dict(attrs.items()))

        def endElement(self, name: str) -> None:
            elements.ends(self.path, self.text)
            self.path.pop()
            self.text = ""

        def characters(self, content: str) -> None:
            if len(self.text) < MOST_OF_A_TEXT:
                self.text += content[: MOST_OF_A_TEXT - len(self.text)]

    return Handler()


def count(attributes: dict[str, str], name: str) -> int:
    """A count that an attribute holds; 0 where it is missing. Raises Unreadable."""
    text = attributes.get(name, "").strip()
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise Unreadable(f"{name}={cut(text)!r} is not a count")
    return int(text)
