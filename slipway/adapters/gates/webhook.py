"""A system of the team's own is asked by a signed POST, and calls back (`callbacks`).

Signed as Standard Webhooks 1.0 has it: `webhook-id` (the same however often it is sent: the receiver may see it twice),
`webhook-timestamp` and `webhook-signature` over id, timestamp and body.
"""

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlsplit

from slipway.adapters import clock
from slipway.adapters.evidence.connection import get
from slipway.adapters.evidence.egress import HTTPS, way_to
from slipway.adapters.evidence.faults import Unreachable
from slipway.adapters.gates.callbacks import Callbacks, key_of
from slipway.promotion.errors import SlipwayError
from slipway.promotion.gates.answer import cut
from slipway.promotion.gates.question import Question
from slipway.promotion.outcomes import Answer, Outcome, broken, failed, moment, passed, running
from slipway.settings import Settings, settings

LOOK_EVERY_S = 300.0  # the call wakes us; this is for one whose wake-up was lost
AGAIN_S = 30.0
WITHIN_S = 20.0
_MAY_PASS = (408, 425, 429)


def ask(question: Question, settings_: Settings | None = None) -> Answer:
    """Send the question, or look whether its answer came. Running until then; broken WEBHOOK_REFUSED where the system
    does not take the question. Raises SlipwayError, AzureProblem."""
    answer = Callbacks().answer_of(question.promotion, question.operation)
    if answer is not None:
        return _said(answer)
    if question.handle:
        return running(question.handle, LOOK_EVERY_S, "it was asked, and has not called back yet")
    return _sent(question, settings_ or settings())


def _sent(question: Question, chosen: Settings) -> Answer:
    told = question.gate.settings
    token = Callbacks().expect(question.promotion, question.operation, told["secret"], moment(question.until))
    about = _body(question, f"{_own_address(chosen)}/api/gates?token={token}")
    body = json.dumps(about, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json", **signature(question.operation, body, key_of(told["secret"]))}
    try:
        status = _posted(told["url"], body, headers, chosen)
    except Unreachable as away:
        return running({}, max(AGAIN_S, away.after_s), away.words)
    if status >= 500 or status in _MAY_PASS:
        return running({}, AGAIN_S, f"its system answers {status}")
    if not 200 <= status < 300:
        return broken("WEBHOOK_REFUSED", f"its system does not take the question: it answers {status}")
    return running({"kind": "asked"}, LOOK_EVERY_S, "it was asked, and has not called back yet")


def _posted(url: str, body: bytes, headers: dict[str, str], chosen: Settings) -> int:
    """The status of the answer; redirects are not followed. Raises Unreachable, NotAllowed."""
    parts = urlsplit(url)
    way = way_to(parts.hostname or "", parts.port or HTTPS, chosen.evidence_hosts)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    deadline = time.monotonic() + WITHIN_S
    with get(way, target, headers, chosen.ca_file, deadline, body) as response:
        return int(response.status)


def signature(id: str, body: bytes, key: bytes) -> dict[str, str]:
    """The headers that sign `body`."""
    at = str(int(clock.now().timestamp()))
    signed = hmac.new(key, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {"webhook-id": id, "webhook-timestamp": at, "webhook-signature": f"v1,{base64.b64encode(signed).decode()}"}


def _body(question: Question, callback: str) -> dict[str, Any]:
    build = question.build
    return {
        "type": "slipway.gate.asked",
        "gate": question.gate.name,
        "promotion": question.promotion,
        "service": build.service,
        "version": build.version,
        "commit": build.commit,
        "digest": build.digest,
        "environment": question.environment,
        "stage": question.stage,
        "callback": callback,
        "until": question.until,
    }


def _said(answer: dict[str, Any]) -> Answer:
    words, told = (
        cut(str(answer.get("words", "")), 500),
        {"produced_at": answer["at"], "facts": answer.get("facts", {})},
    )
    if answer["outcome"] == Outcome.PASSED:
        return passed(words or "its system says yes", **told)
    return failed("GATE_REFUSED", words or "its system says no", **told)


def _own_address(chosen: Settings) -> str:
    if not chosen.site:
        raise SlipwayError("SETTING_MISSING", "SLIPWAY_URL is not set: nobody can call us back without it")
    return chosen.site
