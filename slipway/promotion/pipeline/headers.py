"""Request headers of a verification: sound names and values, and no credential written down as text.

No finding here quotes a value: what was written by mistake may be a credential, and findings are printed.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, WithJsonSchema

from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.positions import Document, Path
from slipway.promotion.pipeline.units import refusal

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z")  # a token of RFC 9110 §5.6.2
_TEXT = re.compile(r"[!-~](?:[ -~]{0,998}[!-~])?\Z")  # visible ASCII, blanks only within (RFC 9110 §5.5)
_SECRET = re.compile(r"[0-9A-Za-z-]{1,127}\Z")  # Key Vault's rule for a secret's name
# They frame the request or belong to its connection: the client that sends it sets them (RFC 9110 §7.6.1).
_THE_CLIENTS_OWN = {
    *("host", "connection", "content-length", "transfer-encoding", "accept-encoding"),
    *("te", "trailer", "upgrade", "keep-alive", "expect", "proxy-connection"),
}
_CARRIES_A_CREDENTIAL = re.compile(
    r"authorization|cookie|token|secret|password|credential|(?:^|[-_.]|api)key\Z", re.IGNORECASE
)


def written_as(written: Any) -> str:
    """How a header's value is given, as pydantic's discriminator asks: `reference` for a mapping, or `literal`."""
    return "reference" if isinstance(written, dict | BaseModel) else "literal"


def check_headers(document: Document, path: Path, written: dict[str, Any]) -> None:
    """Report headers that come twice (names ignore case), and text where only a reference may stand."""
    seen: set[str] = set()
    for name, value in written.items():
        if name.lower() in seen:
            document.report("DUPLICATE_KEY", f"the header {quoted(name)} is given twice", (*path, name), key=True)
        seen.add(name.lower())
        if _CARRIES_A_CREDENTIAL.search(name) and not isinstance(value, dict):
            words = (
                f"the header {quoted(name)} carries a credential, and a pipeline holds none: put it into the "
                "key vault and write {secret: <its name>}"
            )
            document.report("LITERAL_SECRET", words, (*path, name))


def _name(text: str) -> str:
    if not _NAME.match(text):
        raise refusal("INVALID_HEADER", f"{quoted(text)} is not the name of a header")
    if text.lower() in _THE_CLIENTS_OWN:
        raise refusal("DOES_NOT_RUN", f"{quoted(text)} is set by the client that sends the request; take it out")
    return text


def _text(written: Any) -> str:
    if not isinstance(written, str):
        raise refusal("WRONG_TYPE", "a header's value is text (in quotes), or {secret: <name>}")
    if not _TEXT.match(written):
        words = "a header's value is 1 to 1000 characters of ASCII, without line ends, or blanks at an end"
        raise refusal("INVALID_HEADER", words)
    return written


def _secret(written: Any) -> str:
    if not isinstance(written, str) or not _SECRET.match(written):
        words = "this is not the name of a secret in the key vault: up to 127 letters, digits and hyphens"
        raise refusal("INVALID_SECRET_NAME", words)
    return written


HeaderName = Annotated[
    str,
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "pattern": r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$"}),
]
HeaderText = Annotated[
    str,
    BeforeValidator(_text),
    WithJsonSchema({"type": "string", "pattern": r"^[!-~]([ -~]*[!-~])?$", "maxLength": 1000}),
]
SecretName = Annotated[
    str, BeforeValidator(_secret), WithJsonSchema({"type": "string", "pattern": r"^[0-9A-Za-z-]{1,127}$"})
]
