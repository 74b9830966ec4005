"""People: they approve, reject, abort, retry, pause, resume, hold, lift and roll back as the mood takes them."""

import threading
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from slipway.promotion.stage_phases import RETRY
from tests.chaos.shop import Service
from tests.chaos.world import World

WHO = "alice"  # a release manager and operator, and nobody's author
TAKEN = (200, 201, 202)
TO_A_RAMP = ("advance", "promote", "rollback")
SEEN = 25
ENDED = ("passed", "failed", "cancelled", "broken", "not enough evidence")


@dataclass(frozen=True)
class Deed:
    """What a person said, under which key, and what the API answered (0: nothing that was heard)."""

    promotion: str
    stage: str
    command: str
    key: str
    status: int
    at_s: float

    @property
    def taken(self) -> bool:
        return self.status in TAKEN


class People(threading.Thread):
    """Looks at the promotions and says something about one of them, until it is told to stop."""

    def __init__(self, world: World, random: Random, services: tuple[Service, ...], pause_s: float = 0.6) -> None:
        super().__init__(name="people", daemon=True)
        self._world, self._random, self._services, self._pause_s = world, random, services, pause_s
        self._http = httpx.Client(base_url=world.run.url, timeout=5, trust_env=False)
        self.leave = threading.Event()
        self.deeds: list[Deed] = []
        self._token = ""
        self._number = 0
        self._holds: list[str] = []

    def run(self) -> None:
        while not self.leave.wait(self._random.uniform(0.5, 1.5) * self._pause_s):
            for each in self.promotions():
                self._look_at(each)
            self._mind_locks()

    def tidy_up(self) -> None:
        """What waits for a person gets a yes; nothing is paused or held any more."""
        for hold in self._held():
            self._lift(hold)
        for each in [*self.promotions("&state=running"), *self.promotions("&state=waiting")]:
            shown = self._get(f"/api/promotions/{each['id']}") or {}
            if shown.get("paused"):
                self._command(each["id"], "resume")
            for stage in shown.get("stages", ()):
                if stage["state"] == "waiting for approval":
                    self._vote(each["id"], stage["name"], "approve")

    def promotions(self, which: str = "") -> list[dict[str, Any]]:
        """The newest, as the API lists them; none while it is away. More than can be on their way at a time."""
        found: list[dict[str, Any]] = (self._get(f"/api/promotions?top={SEEN}{which}") or {}).get("promotions", [])
        return found

    def _look_at(self, promotion: dict[str, Any]) -> None:
        id, waits_for, dice = promotion["id"], promotion["waits_for"], self._random.random()
        if promotion["state"] == "waiting":
            stage = waits_for.partition(":")[0]
            if dice < 0.5:
                self._vote(id, stage, "reject" if dice < 0.05 else "approve")
        elif promotion["state"] in ENDED and waits_for.endswith(RETRY):
            if dice < 0.15:
                self._command(id, "retry")
        elif promotion["state"] == "running" and dice < 0.03:
            self._command(id, self._random.choice(("abort", "pause", "pause", "pause")))
        elif promotion["state"] == "running" and dice < 0.05:
            self._command(id, self._random.choice(TO_A_RAMP), promotion_stage(self._services, promotion["service"]))
        elif promotion["state"] == "running" and "resume" in waits_for and dice < 0.5:
            self._command(id, "resume")
        elif promotion["state"] == "passed" and dice < 0.004:
            self._command(id, "rollback", promotion_stage(self._services, promotion["service"]))

    def _mind_locks(self) -> None:
        dice = self._random.random()
        if dice < 0.03:
            service = self._random.choice(self._services)
            place = {"environment": service.stages[-1].name, "service": service.name}
            answer = self._say("POST", "/api/intents", {"kind": "hold", **place, "reason": "stocktaking", "for": "5m"})
            if answer is not None and answer.status_code in TAKEN:
                self._holds.append(answer.json()["id"])
        elif dice < 0.35 and self._holds and self._lift(self._holds[0]):
            self._holds.pop(0)

    def _held(self) -> list[str]:
        """Every hold that is shown: one whose answer was lost is nobody's, and holds all the same."""
        shown = (self._get("/api/environments") or {}).get("environments", [])
        return [hold["id"] for each in shown for service in each["services"] for hold in service["holds"]]

    def _lift(self, hold: str) -> bool:
        answer = self._say("DELETE", f"/api/intents/{hold}", None)
        return answer is not None and answer.status_code in (*TAKEN, 404)

    def _vote(self, promotion: str, stage: str, decision: str) -> None:
        self._did(promotion, stage, decision, f"/api/promotions/{promotion}/stages/{stage}/approval", "command")

    def _command(self, promotion: str, command: str, stage: str = "") -> None:
        self._did(promotion, stage, command, f"/api/promotions/{promotion}/commands", "id")

    def _did(self, promotion: str, stage: str, command: str, path: str, key_is: str) -> None:
        self._number += 1
        key = f"key-{self._number}"
        body = {"decision": command} if key_is == "command" else {"command": command, "stage": stage, "reason": "so"}
        at_s = self._world.chronicle.now_s()
        answer = self._say("POST", path, {**body, key_is: key})
        status = answer.status_code if answer is not None else 0
        self.deeds.append(Deed(promotion, stage, command, key, status, at_s))
        if status in (*TAKEN, 0) or status >= 500:
            said = f"{promotion} {stage}: {command}, answer {status or 'lost'}"
            self._world.chronicle.note("people", said, command if status in TAKEN else "unheard")

    def _get(self, path: str) -> dict[str, Any] | None:
        answer = self._say("GET", path, None)
        return answer.json() if answer is not None and answer.status_code == 200 else None

    def _say(self, method: str, path: str, body: dict[str, Any] | None) -> httpx.Response | None:
        """The answer, or None when there was none, or the issuer was away."""
        if not self._token and not self._sign_in():
            return None
        try:
            return self._http.request(method, path, json=body, headers={"authorization": f"Bearer {self._token}"})
        except httpx.TransportError:
            return None

    def _sign_in(self) -> bool:
        form = {"grant_type": "password", "client_id": "slipway", "username": WHO}
        path = f"/{self._world.run.tenant}/oauth2/v2.0/token"
        answer = self._world.ask("POST", path, data=form)
        self._token = answer.json()["access_token"] if answer is not None and answer.status_code == 200 else ""
        return bool(self._token)


def promotion_stage(services: tuple[Service, ...], service: str) -> str:
    """The last stage of a service's pipeline."""
    return next(each.stages[-1].name for each in services if each.name == service)
