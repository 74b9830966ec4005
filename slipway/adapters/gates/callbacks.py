"""What a webhook gate is called back with (table `callbacks`): one row an asking, answered once.

The address of a callback holds the asking's ids, its end, and their signature under the gate's own secret. The row says
which secret that is, so that whoever has one secret can answer the gates that have it, and no other.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipway.adapters import clock
from slipway.adapters.rows import Rows
from slipway.adapters.secrets import Secrets
from slipway.promotion.errors import SlipwayError
from slipway.promotion.ids import is_promotion_id
from slipway.promotion.outcomes import iso, moment
from slipway.promotion.port_values import Cell, Row

_LONGEST = 1000
_OPERATION = re.compile(r"[0-9A-Za-z._~=:-]{1,100}")
_PURPOSE = b"slipway-callback-v1\n"
_TRIES = 5


class CallbackRefused(SlipwayError):
    """Nobody whom we have asked calls, or not in time. Answered as 401."""


@dataclass(frozen=True)
class Called:
    """One asking that is called back. `answer` is None until then."""

    promotion: str
    operation: str
    secret: str
    until: str
    answer: dict[str, Any] | None = None


class Callbacks:
    """Raises AzureProblem when the table or the vault cannot be asked."""

    def __init__(self) -> None:
        self._rows = Rows("callbacks")

    def expect(self, promotion: str, operation: str, secret: str, until: datetime) -> str:
        """Take down that an answer is expected. Returns the token for it, the same when it is asked again."""
        values: dict[str, Cell] = {"secret": secret, "until_at": until, "doc": "{}"}
        self._rows.insert(promotion, operation, values)
        row = self._rows.get(promotion, operation)
        assert row is not None
        return _token(_called(row), key_of(secret))

    def answer_of(self, promotion: str, operation: str) -> dict[str, Any] | None:
        """What came, if anything has."""
        row = self._rows.get(promotion, operation)
        return _called(row).answer if row else None

    def take(self, token: str, answer: dict[str, Any]) -> Called:
        """Keep the answer that came with `token`, once. Raises CallbackRefused: CALLBACK_FORGED, CALLBACK_EXPIRED,
        CALLBACK_USED."""
        promotion, operation = _read(token)
        for _ in range(_TRIES):
            row = self._rows.get(promotion, operation)
            if row is None or not _is_of(_called(row), token):
                raise CallbackRefused("CALLBACK_FORGED", "this is no address that we gave out")
            called = _called(row)
            if called.answer is not None:
                raise CallbackRefused("CALLBACK_USED", "this address was used, and counts once")
            if clock.now() >= moment(called.until):
                raise CallbackRefused("CALLBACK_EXPIRED", f"this address was good until {called.until}")
            said = {**answer, "at": iso(clock.now())}
            kept = Row(row.partition, row.key, {**row.values, "doc": json.dumps(said)})
            if self._rows.replace(kept, row.etag):
                return called
        raise CallbackRefused("CALLBACK_USED", "this address is being used by somebody else")


def key_of(secret: str) -> bytes:
    """The key in the vault under that name; as Standard Webhooks writes it (`whsec_` and base64), or plain."""
    value = Secrets().read(secret).strip()
    if value.startswith("whsec_"):
        try:
            return base64.b64decode(value.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError) as error:
            raise SlipwayError("SECRET_UNUSABLE", f"the secret {secret} begins with whsec_ and is no base64") from error
    if not value:
        raise SlipwayError("SECRET_UNUSABLE", f"the secret {secret} is empty")
    return value.encode()


def _is_of(called: Called, token: str) -> bool:
    """In a time that does not tell how much of it is right."""
    return hmac.compare_digest(_token(called, key_of(called.secret)).encode(), token.encode(errors="replace"))


def _token(called: Called, key: bytes) -> str:
    about = json.dumps([called.promotion, called.operation, called.until], separators=(",", ":")).encode()
    signed = hmac.new(key, _PURPOSE + about, hashlib.sha256).digest()
    return f"{_text(about)}.{_text(signed)}"


def _read(token: str) -> tuple[str, str]:
    """Whose asking a token says it is of. Raises CallbackRefused."""
    try:
        if len(token) > _LONGEST:
            raise ValueError
        promotion, operation, _ = json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))
        if not (is_promotion_id(promotion) and _OPERATION.fullmatch(operation) and operation.startswith(promotion)):
            raise ValueError
        return promotion, operation
    except (ValueError, TypeError, RecursionError) as error:
        raise CallbackRefused("CALLBACK_FORGED", "this is no address that we gave out") from error


def _called(row: Row) -> Called:
    until = row.values["until_at"]
    assert isinstance(until, datetime)
    return Called(row.partition, row.key, str(row.values["secret"]), iso(until), row.doc or None)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
