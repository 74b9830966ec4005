"""A connection: SASL, open, frames to sessions, and a mouth that stays shut until the turn is committed."""

import asyncio
import logging

from slipway.local.servicebus.broker import Broker
from slipway.local.servicebus.decoding import DecodeError
from slipway.local.servicebus.errors import CONNECTION_FORCED, FRAMING_ERROR, Refusal
from slipway.local.servicebus.performatives import (
    AMQP_HEADER,
    SASL_HEADER,
    Begin,
    Close,
    End,
    Open,
    Performative,
    SaslInit,
    SaslMechanisms,
    SaslOutcome,
    decode_performative,
    encode_frame,
)
from slipway.local.servicebus.session import Session
from slipway.local.servicebus.types import Array, Symbol

log = logging.getLogger(__name__)

MAX_FRAME_SIZE = 64 * 1024
MIN_FRAME_SIZE = 512
CHANNEL_MAX = 255
IDLE_TIMEOUT_MS = 240_000
"""How long a client may be silent. Not enforced: on a laptop a dead socket ends by itself."""


class Connection(asyncio.Protocol):
    """One client. Bytes in; frames out when the broker says that the turn is over."""

    def __init__(self, broker: Broker, connections: "set[Connection]") -> None:
        self.broker = broker
        self.max_frame_size = MAX_FRAME_SIZE
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._peer = "a client"
        self._input = bytearray()
        self._output: list[bytes] = []
        self._expects_header = True
        self._opened = False
        self._closing = False
        self._sessions: dict[int, Session] = {}

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        self._input += data
        try:
            while not self._closing and self._take_one():
                pass
        except DecodeError as error:
            self.close(Refusal(FRAMING_ERROR, str(error)))

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._end_sessions()
        self._transport = None

    # What sessions and the server call

    def send(self, channel: int, performative: Performative, payload: bytes = b"") -> None:
        """Say something at the end of the turn."""
        self._say(encode_frame(channel, performative, payload))

    def flush(self) -> None:
        """The turn is committed: say it."""
        output, self._output = self._output, []
        if self._transport is not None:
            self._transport.write(b"".join(output))
            if self._closing:
                self._transport.close()

    def close(self, refusal: Refusal | None = None) -> None:
        """End it, with an error if there is one, once everything before is said."""
        if refusal is not None:
            self.log(f"connection closed: {refusal}")
        if self._closing:
            return
        self._end_sessions()
        self._closing = True
        if self._opened:
            self.send(0, Close(refusal.as_error() if refusal is not None else None))
        else:
            self._say(b"")

    def go_away(self) -> None:
        """The broker stops."""
        self.close(Refusal(CONNECTION_FORCED, "the broker is stopping"))

    def log(self, line: str) -> None:
        log.info("%s: %s", self._peer, line)

    # Input

    def _take_one(self) -> bool:
        """Take a protocol header or a frame off the input; False if it is not complete yet."""
        if len(self._input) < 8:
            return False
        if self._expects_header:
            self._header(bytes(self._input[:8]))
            del self._input[:8]
            return True
        size = int.from_bytes(self._input[:4], "big")
        if size < 8 or size > MAX_FRAME_SIZE:
            raise DecodeError(f"a frame of {size} bytes")
        if len(self._input) < size:
            return False
        frame = bytes(self._input[:size])
        del self._input[:size]
        body = frame[frame[4] * 4 :]
        if body:
            performative, payload = decode_performative(body)
            if performative is not None:
                self._frame(int.from_bytes(frame[6:8], "big"), performative, payload)
        return True

    def _header(self, header: bytes) -> None:
        self._expects_header = False
        if header == SASL_HEADER:
            self._say(SASL_HEADER)
            self.send(0, SaslMechanisms(Array(Symbol, (Symbol("ANONYMOUS"),))))
        elif header == AMQP_HEADER:
            self._say(AMQP_HEADER)
        else:
            raise DecodeError(f"not AMQP 1.0: {header!r}")

    def _frame(self, channel: int, performative: Performative, payload: bytes) -> None:
        match performative:
            case SaslInit():
                self.send(0, SaslOutcome(0))
                self._expects_header = True
            case Open():
                self._open(performative)
            case Close():
                self.close()
            case Begin() if self._opened:
                self._sessions[channel] = Session(self, channel, performative)
            case End():
                session = self._sessions.pop(channel, None)
                if session is not None:
                    session.take(performative, payload)
            case _ if channel in self._sessions:
                self._sessions[channel].take(performative, payload)
            case _:
                pass  # a frame of a session that has ended, which a client may send before it knows

    def _open(self, theirs: Open) -> None:
        self._opened = True
        self._peer = theirs.container_id
        self.max_frame_size = max(min(theirs.max_frame_size or MAX_FRAME_SIZE, MAX_FRAME_SIZE), MIN_FRAME_SIZE)
        self.send(0, Open("slipway-servicebus", None, MAX_FRAME_SIZE, CHANNEL_MAX, IDLE_TIMEOUT_MS))

    def _end_sessions(self) -> None:
        for session in self._sessions.values():
            session.leave()
        self._sessions.clear()

    def _say(self, data: bytes) -> None:
        self._output.append(data)
        self.broker.speak(self)
