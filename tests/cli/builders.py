"""API answers in domain words, in the shape that docs and triggers promise."""

from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 3, 2, 10, 40, tzinfo=UTC)


def at(seconds_ago: float) -> str:
    """A moment before NOW as the API writes it."""
    return (NOW - timedelta(seconds=seconds_ago)).isoformat().replace("+00:00", "Z")


def a_step(name: str, state: str = "passed", target: str = "", words: str = "", took: float = 2) -> dict[str, Any]:
    over = state != "running"
    return {
        "name": name,
        "target": target,
        "state": state,
        "started_at": at(10),
        "ended_at": at(10 - took) if over else "",
        "words": words,
    }


def a_stage(name: str, state: str = "passed", **more: Any) -> dict[str, Any]:
    begun = state != "pending"
    over = state in {"passed", "failed", "cancelled", "broken", "not enough evidence"}
    return {
        "name": name,
        "environment": name,
        "needs": [],
        "state": state,
        "waits_for": "",
        "since": at(12) if begun else "",
        "deadline": "",
        "started_at": at(12) if begun else "",
        "ended_at": at(4) if over else "",
        "code": "",
        "words": "",
        "attempt": 1,
        "runtime": "Completed" if over else "Running",
        "instance": f"checkout--1.1.0:{name}",
        "approval": None,
        "may_promote": None,
        "ramp": None,
        "targets": [],
        "steps": [],
    } | more


def a_ramp(**more: Any) -> dict[str, Any]:
    return {
        "ramp": "adaptive",
        "steps": [0.05, 0.25, 0.5, 1.0],
        "tick_s": 60.0,
        "share": 0.25,
        "tick": 12,
        "began_at": at(720),
        "since": at(540),
        "deadline": at(-23 * 3600),
        "code": "NOT_ENOUGH_EVIDENCE",
        "words": "canary fails 1.0 × as often as baseline; about 1,200 more canary requests are needed, 4 minutes at "
        "this traffic",
        "missing_requests": 1200,
        "missing_s": 240.0,
        "move": "NOT_ENOUGH_EVIDENCE",
        "move_words": "",
        "calls": False,
        "notes": "",
        "flag": "",
        "comparison": None,
    } | more


def a_reason(code: str, words: str, ended_by: str = "", **more: Any) -> dict[str, Any]:
    return {"code": code, "words": words, "blocks": True, "since": "", "until": "", "ended_by": ended_by} | more


def may_promote(*reasons: dict[str, Any]) -> dict[str, Any]:
    return {"allowed": not any(reason["blocks"] for reason in reasons), "reasons": list(reasons)}


HELD = a_reason("HELD", "held by Dave: stocktaking", "slipway lift test.checkout.h1", since=at(60), until=at(-3600))
TAKEN = a_reason(
    "LOCK_TAKEN", "checkout--1.0.9 has the lock, in its stage test", "checkout--1.0.9: its end", since=at(9)
)
FIRST = a_reason("FIRST_RELEASE", "the first release here: there may be none to return to", blocks=False)
NEEDS = a_reason("NEED_NOT_OVER", "stage dev has not passed yet", "stage dev")
ASKS = a_reason("APPROVAL_MISSING", "1 of role:qa: nobody has been asked yet", "1 of role:qa")


def an_approval(*votes: dict[str, Any], at_least: int = 1) -> dict[str, Any]:
    return {
        "approvers": ["role:release-manager"],
        "at_least": at_least,
        "not_author": True,
        "deadline": at(-8 * 3600),
        "votes": list(votes),
        "decision": None,
    }


def a_promotion(*stages: dict[str, Any], state: str = "running", **more: Any) -> dict[str, Any]:
    over = state in {"passed", "failed", "cancelled", "broken", "not enough evidence"}
    return {
        "id": "checkout--1.1.0",
        "service": "checkout",
        "version": "1.1.0",
        "state": state,
        "waits_for": "",
        "started_at": at(34),
        "ended_at": at(1) if over else "",
        "author": "bob@shop.example",
        "branch": "main",
        "commit": "8c1f2ab39d0e",
        "words": "",
        "code": "",
        "aborted": None,
        "pipeline_digest": "sha256:00",
        "build": {},
        "runtime": "Completed" if over else "Running",
        "stages": list(stages),
    } | more


def waiting_for_approval() -> dict[str, Any]:
    return a_promotion(
        a_stage("staging"),
        a_stage("production", "waiting for approval", needs=["staging"], approval=an_approval()),
        state="waiting",
        waits_for="production asks role:release-manager",
    )


def a_problem(code: str, status: int, detail: str) -> dict[str, Any]:
    return {
        "type": f"urn:slipway:problem:{code.lower().replace('_', '-')}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        "instance": "/api",
    }
