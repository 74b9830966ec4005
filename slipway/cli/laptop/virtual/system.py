"""What a demo in virtual time tells and asks the running system: its clock and its queue, and its API as its people."""

import json
import ssl
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from slipway.cli.connection import Api, Place
from slipway.cli.laptop.clock import LONGEST_S
from slipway.cli.laptop.supervisor import Laptop
from slipway.cli.sign_in import sign_in


class VirtualSystem:
    """A laptop that has just started, with a clock that stands."""

    def __init__(self, laptop: Laptop) -> None:
        assert laptop.run is not None
        self.laptop, self._run = laptop, laptop.run
        self._azure = laptop.azure["url"]
        self._people: dict[str, Api] = {}
        tls = ssl.create_default_context(cafile=laptop.azure["ca"])
        self._http = httpx.Client(verify=tls, timeout=LONGEST_S, trust_env=False)
        self._now = self._clock(None)

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

    def put(self, body: Mapping[str, Any], message_id: str) -> None:
        """A message onto the queue `builds`, by the plain SDK, as any CI would."""
        from azure.servicebus import ServiceBusClient, ServiceBusMessage

        message = ServiceBusMessage(json.dumps(body), content_type="application/json", message_id=message_id)
        with (
            ServiceBusClient.from_connection_string(self._run.servicebus) as client,
            client.get_queue_sender("builds") as sender,
        ):
            sender.send_messages(message)

    def _clock(self, move: Mapping[str, float] | None) -> datetime:
        url = f"{self._run.url}/admin/clock"
        heard = (self._http.post(url, json=move) if move else self._http.get(url)).raise_for_status()
        return datetime.fromisoformat(heard.json()["now"])
