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
    text, at = b"", len(_ELEMENT)
    while at < len(body) and (kind := body[at]) != _END_ELEMENT:
        size = _LENGTH_BYTES.get(kind, 0)
        begin = at + 1 + size
        end = begin + int.from_bytes(body[at + 1 : begin], "little")
        if not size or begin > len(body) or end > len(body):
            raise BuildRejected(
                "NOT_JSON", "the message is wrapped by .NET's serializer, and cut off or not text; " + _SET
            )
        text += body[begin:end]
        at = end
        if kind & 1:
            break
    return text


_SET = "set useDataContractSerializer: false in the task that sends it"
