"""What the demo tells and asks the running system: its clock, its queue, its database, its telemetry, as its people."""

import json
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from slipway.cli.connection import Api, Place
from slipway.cli.laptop.ask import AUDIENCE
from slipway.cli.laptop.clock import LONGEST_S
from slipway.cli.laptop.layout import WORKSPACE
from slipway.cli.laptop.supervisor import Laptop
from slipway.cli.laptop.users import Met
from slipway.cli.sign_in import sign_in
from slipway.cli.submit import build_message

SERVICE, ACCOUNT = "tenanthub", "tenanthub"
COUNT = """
AppRequests
| where AppRoleName == "{role}"
| summarize Requests = sum(ItemCount), Bad = sumif(ItemCount, Success == false) by AppVersion
"""


class System:
    """A laptop that has just started, with a clock that stands."""

    def __init__(self, laptop: Laptop) -> None:
        assert laptop.run is not None
        self.laptop, self._run = laptop, laptop.run
        self._azure = laptop.azure["url"]
        self._people: dict[str, Api] = {}
        tls = ssl.create_default_context(cafile=laptop.azure["ca"])
        self._http = httpx.Client(verify=tls, timeout=LONGEST_S, trust_env=False)
        self._now = self._clock(None)
        self._bearer = self._for_telemetry()

    def now(self) -> datetime:
        """What time it is there."""
        return self._now

    def let_pass(self, seconds: float) -> None:
        """Back when everything that falls due meanwhile has happened, at its time."""
        self.laptop.check()
        self._now = self._clock({"advance": seconds})

    def who(self, person: str) -> Api:
        """The API, asked by that person."""
        if person not in self._people:
            login = sign_in(person, self._run.url, self._run.issuer, self._run.ca)
            self._people[person] = Api(Place(self._run.url, self._run.ca), login.access_token)
        return self._people[person]

    def build(self, version: str) -> dict[str, Any]:
        """The message that a build of bob's has just finished."""
        return build_message(SERVICE, version, finished_at=self.now().isoformat(timespec="seconds"))

    def send(self, version: str) -> None:
        """Onto the queue, by the plain SDK, as any CI would."""
        from azure.servicebus import ServiceBusClient, ServiceBusMessage

        body = json.dumps(self.build(version))
        message = ServiceBusMessage(body, content_type="application/json", message_id=version)
        with (
            ServiceBusClient.from_connection_string(self._run.servicebus) as client,
            client.get_queue_sender("builds") as sender,
        ):
            sender.send_messages(message)

    def move_writes(self, region: str) -> None:
        """The Cosmos DB account fails over, such as to `North Europe`."""
        told = {"account": ACCOUNT, "write": region}
        self._http.post(f"{self._azure}/standin/cosmos", json=told).raise_for_status()

    def met(self, role: str, workspace: str, begin: datetime, end: datetime) -> Met:
        """What the users of a role met in that time, by the version that answered, as Log Analytics has it."""
        asked = {"query": COUNT.format(role=role), "timespan": f"{_iso(begin)}/{_iso(end)}"}
        url = f"{self._azure}/v1/workspaces/{workspace or WORKSPACE}/query"
        heard = self._http.post(url, json=asked, headers=self._bearer).raise_for_status()
        rows = heard.json()["tables"][0]["rows"]
        return Met({row[0]: row[1] for row in rows}, {row[0]: row[2] or 0 for row in rows})

    def _clock(self, move: Mapping[str, float] | None) -> datetime:
        url = f"{self._run.url}/admin/clock"
        heard = (self._http.post(url, json=move) if move else self._http.get(url)).raise_for_status()
        return datetime.fromisoformat(heard.json()["now"])

    def _for_telemetry(self) -> dict[str, str]:
        person = {"grant_type": "password", "client_id": AUDIENCE, "username": self._run.people[0]}
        answer = self._http.post(self._run.issuer.removesuffix("/v2.0") + "/oauth2/v2.0/token", data=person)
        return {"authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
