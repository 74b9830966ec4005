"""What the demo tells and asks the running system: its database and its telemetry, beside clock, queue and people."""

from datetime import UTC, datetime
from typing import Any

from slipway.cli.laptop.ask import AUDIENCE
from slipway.cli.laptop.layout import WORKSPACE
from slipway.cli.laptop.supervisor import Laptop
from slipway.cli.laptop.users import Met
from slipway.cli.laptop.virtual.system import VirtualSystem
from slipway.cli.submit import build_message

SERVICE, ACCOUNT = "tenanthub", "tenanthub"
PIPELINE = "tenanthub.yaml"
LOAD, LOAD_HERE = "2m", "8s"  # in the pipeline, and in the demo, whose machine takes its time for it
COUNT = """
AppRequests
| where AppRoleName == "{role}"
| summarize Requests = sum(ItemCount), Bad = sumif(ItemCount, Success == false) by AppVersion
"""


class System(VirtualSystem):
    """A laptop that has just started, with a clock that stands."""

    def __init__(self, laptop: Laptop) -> None:
        super().__init__(laptop)
        self._bearer = self._for_telemetry()

    def build(self, version: str) -> dict[str, Any]:
        """The message that a build of bob's has just finished."""
        return build_message(SERVICE, version, finished_at=self.now().isoformat(timespec="seconds"))

    def send(self, version: str) -> None:
        """Onto the queue, in our own words."""
        self.put(self.build(version), version)

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

    def _for_telemetry(self) -> dict[str, str]:
        person = {"grant_type": "password", "client_id": AUDIENCE, "username": self._run.people[0]}
        answer = self._http.post(self._run.issuer.removesuffix("/v2.0") + "/oauth2/v2.0/token", data=person)
        return {"authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
