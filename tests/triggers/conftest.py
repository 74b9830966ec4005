import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from slipway.adapters.audit_log import AuditLog
from slipway.adapters.read_model import write_row
from slipway.adapters.rows import Rows
from slipway.promotion.ids import stage_id
from slipway.promotion.outcomes import iso
from slipway.promotion.promotion_run import PromotionRun
from slipway.promotion.seal import Seal
from slipway.promotion.stage_parts import Step
from slipway.promotion.stage_row import stage_row
from slipway.promotion.stage_run import StageRun
from tests.app_host import BOB_OID, AppHost, Reply, a_principal, ask_people, has_ended
from triggers.intake import match

_NUMBERS = count(1)
ALICE = a_principal("Alice Adams", roles=("reader", "operator", "approver", "release-manager"))
BOB = a_principal("Bob Brown", BOB_OID, ("reader", "approver", "release-manager"))
ERIN = a_principal("Erin Evans", "55555555-5555-4555-8555-555555555555", ("reader",))

# The SDK tries a table again four times; a throttle that names a short time keeps that short.
TABLES_DOWN: dict[str, Any] = {"answer": {"status": 500, "headers": {"retry-after-ms": "5"}}, "times": 4}


@pytest.fixture
def version(configured: None) -> str:
    """A version that nobody has used so far."""
    return f"3.{next(_NUMBERS)}.0"


def a_message(version: str, **changes: Any) -> bytes:
    """A build message as CI sends it, by bob."""
    message = {
        "service": "checkout",
        "version": version,
        "commit": "c0ffee1",
        "branch": "main",
        "author": "bob@shop.example",
        "finished_at": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
    }
    return json.dumps({**message, **changes}).encode()


def audited(chain: str) -> list[tuple[str, str]]:
    """Action and code of a chain's records, oldest first."""
    return [(each["action"], each["evidence"].get("code", "")) for each in AuditLog().read(chain)]


def intake(promotion: str) -> dict[str, Any]:
    row = Rows("promotions").get(promotion, "intake")
    return row.values if row else {}


@dataclass(frozen=True)
class Underway:
    """A promotion that has begun: its rows are there, and its stages ask and work only as far as a test says."""

    app: AppHost
    run: PromotionRun

    @property
    def id(self) -> str:
        return self.run.id

    @property
    def waiter(self) -> str:
        return f"{stage_id(self.id, 'production')}:approval:1"

    @property
    def records(self) -> list[tuple[str, str]]:
        return audited(self.id)

    def show(self, stage: str, *steps: Step) -> None:
        """The stage has begun."""
        plan = self.run.plan.stage(stage)
        shown = StageRun(self.id, stage_id(self.id, stage), plan, self.run.build, self.run.artifact, steps=steps)
        write_row(self.id, f"stage:{stage}", 1, stage_row(shown))

    def ask(self, ends: timedelta = timedelta(hours=8), seal: Seal | None = None, **policy: Any) -> None:
        """Production asks for its approval, by the orchestration that waits for it."""
        self.show("production")
        asked = self.run.plan.stage("production").approval
        assert asked is not None
        sealed = {"seal": seal.dump()} if seal else {}
        ask_people(self.app, self.waiter, self.id, "production", replace(asked, **policy), ends, **sealed)

    @property
    def approval(self) -> dict[str, Any]:
        """As people see it."""
        shown = self.app.http("GET", f"/api/promotions/{self.id}", ERIN).json
        found: dict[str, Any] = next(each for each in shown["stages"] if each["name"] == "production")["approval"]
        return found

    def vote(self, who: dict[str, str] = ALICE, stage: str = "production", **body: Any) -> Reply:
        path = f"/api/promotions/{self.id}/stages/{stage}/approval"
        return self.app.http("POST", path, who, {"decision": "approve", **body})

    def command(self, command: str, who: dict[str, str] = ALICE, **body: Any) -> Reply:
        return self.app.http(
            "POST", f"/api/promotions/{self.id}/commands", who, {"command": command, "reason": "so", **body}
        )

    def woken(self) -> bool:
        """Whether the wait for people is over."""
        return has_ended(self.app, self.waiter)


@pytest.fixture
def begin(app: AppHost, version: str) -> Callable[..., Underway]:
    def begun(**changes: Any) -> Underway:
        body = a_message(version, **changes)
        app.deliver(body)
        at = datetime.now(UTC)
        run = replace(match(body).run(at), started_at=iso(at))
        write_row(run.id, "promotion", 1, run.row())
        app.signal("decisions", run.id, "begin", {"stages": ["test", "production"]})
        return Underway(app, run)

    return begun


@pytest.fixture
def it(begin: Callable[..., Underway]) -> Underway:
    return begin()
