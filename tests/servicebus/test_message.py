"""What happens to a message's bytes on their way through the broker."""

from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.local.servicebus.message import Content, Delivered, section, sections
from slipway.local.servicebus.types import Int, Symbol, Timestamp, Uint

quick = settings(deadline=None)  # a busy machine is no reason to fail
DELIVERED = Delivered(7, 1_000, 0, 2, 31_000)
SCALARS = st.text(max_size=20) | st.integers(-(2**31), 2**31 - 1).map(Int) | st.booleans() | st.none()


@st.composite
def encoded_messages(draw: st.DrawFn) -> bytes:
    data = b""
    if draw(st.booleans()):
        data += section(0x70, [True, None, Uint(draw(st.integers(0, 2**32 - 1)))])
    if draw(st.booleans()):
        data += section(0x72, {Symbol("x-opt-partition-key"): draw(st.text(max_size=5))})
    if draw(st.booleans()):
        data += section(0x73, ["id", None, "to"])
    if draw(st.booleans()):
        data += section(0x74, draw(st.dictionaries(st.text(max_size=8), SCALARS, max_size=5)))
    return data + section(0x75, draw(st.binary(max_size=400)))


@quick
@given(encoded_messages())
def test_the_bytes_from_the_properties_on_arrive_as_they_were_sent(data: bytes) -> None:
    sent = b"".join(raw for code, _, raw in sections(data) if code >= 0x73)
    rendered = Content.parse(data).render(DELIVERED)
    assert b"".join(raw for code, _, raw in sections(rendered) if code >= 0x73) == sent


@quick
@given(encoded_messages())
def test_a_stored_message_is_the_same_when_loaded(data: bytes) -> None:
    content = Content.parse(data)
    assert Content.parse(content.encode()) == content


@quick
@given(encoded_messages())
def test_dead_lettering_adds_the_reason_and_keeps_everything_else(data: bytes) -> None:
    before = Content.parse(data)
    after = before.dead_lettered("orders", "because", None)
    kept = [(code, raw) for code, _, raw in sections(before.bare) if code != 0x74]
    assert [(code, raw) for code, _, raw in sections(after.bare) if code != 0x74] == kept
    properties = {code: value for code, value, _ in sections(before.bare)}.get(0x74, {})
    assert isinstance(properties, dict)
    dead = {code: value for code, value, _ in sections(after.bare)}[0x74]
    assert dead == {**properties, "DeadLetterReason": "because"}


def test_a_message_sent_on_does_not_carry_the_broker_notes_of_its_first_delivery() -> None:
    first = Content.parse(section(0x75, b"x")).render(DELIVERED)
    again = Content.parse(first)
    assert Symbol("x-opt-locked-until") not in again.annotations
    peeked = again.render(Delivered(8, 2_000, 0, 0, None))
    annotations = next(value for code, value, _ in sections(peeked) if code == 0x72)
    assert annotations == {
        "x-opt-enqueued-time": Timestamp(2_000),
        "x-opt-sequence-number": 8,
        "x-opt-message-state": 0,
    }
