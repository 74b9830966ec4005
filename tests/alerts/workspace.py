"""A workspace that is told by the ingestion protocol and asked by the official client."""

import gzip
import itertools
import json
from datetime import datetime, timedelta
from typing import Any

from azure.monitor.query import LogsQueryClient, LogsQueryResult

from tests.alerts.rules import Alert, Row
from tests.azure_standin.standin import StandinProcess

ID = "11111111-2222-4333-8444-555555555555"
_numbers = itertools.count(1)


class Workspace:
    """What is told is told of the moment `at`; `fires` looks at what an alert's window up to `at` has."""

    def __init__(self, standin: StandinProcess, at: datetime) -> None:
        self._standin = standin
        self.at = at

    def request(self, name: str, status: int = 0, times: int = 1, url: str = "", **more: Any) -> None:
        self._tell("RequestData", times, {"name": name, "responseCode": str(status), "url": url}, **more)

    def dependency(self, name: str, times: int = 1, **more: Any) -> None:
        self._tell("RemoteDependencyData", times, {"name": name, "resultCode": "0", "type": "InProc"}, **more)

    def line(self, message: str, times: int = 1, **more: Any) -> None:
        self._tell("MessageData", times, {"message": message, "severityLevel": 2}, **more)

    def fires(self, alert: Alert) -> list[tuple[Any, ...]]:
        return alert.fires_for(self.ask(alert.query, alert.window))

    def ask(self, kql: str, window: timedelta) -> list[Row]:
        span = (self.at - window, self.at + timedelta(seconds=1))
        with LogsQueryClient(
            self._standin.credential(),
            endpoint=self._standin.url,
            audience="https://api.loganalytics.io",
            connection_verify=self._standin.told["ca"],
            retry_total=0,
        ) as client:
            answer = client.query_workspace(ID, kql, timespan=span)
        assert isinstance(answer, LogsQueryResult)
        (table,) = answer.tables
        return [dict(zip(table.columns, row, strict=True)) for row in table.rows]

    def _tell(
        self,
        kind: str,
        times: int,
        base: dict[str, Any],
        success: bool = True,
        role: str = "slipway-prod",
        trace: str = "",
        ago: timedelta = timedelta(minutes=1),
        sampled: float = 100.0,
        **properties: Any,
    ) -> None:
        lines = []
        for _ in range(times):
            number = next(_numbers)
            tags = {"ai.cloud.role": role, "ai.operation.id": trace or f"{number:032x}"}
            common = {"ver": 2, "id": f"{number:016x}", "duration": "0.00:00:00.100", "success": success}
            data = {**common, **base, "properties": {key: str(value) for key, value in properties.items()}}
            envelope = {"ver": 1, "name": kind, "time": (self.at - ago).isoformat(), "iKey": ID, "tags": tags}
            lines.append({**envelope, "sampleRate": sampled, "data": {"baseType": kind, "baseData": data}})
        answer = self.post("\n".join(json.dumps(line) for line in lines).encode())
        assert (answer.status_code, answer.json()["itemsAccepted"]) == (200, times), answer.text

    def post(self, body: bytes, authorised: bool = True) -> Any:
        """A body as the SDKs post it: packed with gzip, with a token for Azure Monitor."""
        headers = {"content-encoding": "gzip", "content-type": "application/x-json-stream"}
        if authorised:
            token = self._standin.credential().get_token("https://monitor.azure.com//.default").token
            headers["authorization"] = f"Bearer {token}"
        with self._standin.http() as http:
            return http.post("/v2.1/track", content=gzip.compress(body), headers=headers)
