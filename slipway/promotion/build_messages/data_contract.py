"""Text that .NET's data contract serializer wrapped, taken out again.

`PublishToAzureServiceBus` does that unless its `useDataContractSerializer` is false: the body is then an element
`string` in .NET's binary XML (MC-NBFX §2.2.3), and the text in it what was meant.
"""

from slipway.promotion.errors import BuildRejected

_NAMESPACE = b"http://schemas.microsoft.com/2003/10/Serialization/"
_ELEMENT = b"\x40\x06string\x08" + bytes([len(_NAMESPACE)]) + _NAMESPACE
# Text records by their first byte: how many bytes say the length. The odd ones end the element too.
_LENGTH_BYTES = {0x98: 1, 0x99: 1, 0x9A: 2, 0x9B: 2, 0x9C: 4, 0x9D: 4}
_END_ELEMENT = 0x01


def is_wrapped(body: bytes) -> bool:
    return body.startswith(_ELEMENT)


def unwrapped(body: bytes) -> bytes:
    """The text, as it was before. Raises BuildRejected NOT_JSON when the wrapping is cut off or of another kind."""
    text, at, ended = b"", len(_ELEMENT), False
    while not ended:
        kind = body[at] if at < len(body) else 0
        if kind == _END_ELEMENT:
            break
        begin = at + 1 + _LENGTH_BYTES.get(kind, 0)
        at = begin + int.from_bytes(body[at + 1 : begin], "little")
        if kind not in _LENGTH_BYTES or at > len(body):
            words = "the message is wrapped by .NET's serializer and cut off, or is no text"
            raise BuildRejected("NOT_JSON", f"{words}; set useDataContractSerializer: false in the task that sends it")
        text += body[begin:at]
        ended = bool(kind & 1)
    return text
