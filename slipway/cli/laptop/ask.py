"""`slipway ask`: KQL on the laptop's workspace, as the portal has it on a real one."""

import ssl
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from pydantic import BaseModel
from rich.table import Table

from slipway.cli.failure import ExitCode, Failure
from slipway.cli.laptop.layout import WORKSPACE
from slipway.cli.options import AsJson
from slipway.cli.printing import answer, clean
from slipway.cli.state_folder import RunFile, read_run, state_folder

AUDIENCE = "https://api.loganalytics.io"
TIMEOUT_S = 60.0


class Column(BaseModel):
    name: str


class Found(BaseModel):
    """A table of Log Analytics' answer."""

    columns: list[Column]
    rows: list[list[Any]]


def ask(
    kql: Annotated[str, typer.Argument(metavar="KQL", help="A query, or @FILE with one.")],
    as_json: AsJson = False,
) -> None:
    """Ask the workspace of the system that `slipway run` started here: what users met, and what Slipway told of itself.

    For a real workspace there is the portal.
    """
    run = read_run(state_folder())
    if run is None:
        words = "nothing runs here; `slipway run` starts a system, and in Azure the portal has the workspace's logs"
        raise Failure("NOT_RUNNING", words, ExitCode.NOT_REACHABLE)
    found = _asked(run, _query(kql))
    names = [column.name for column in found.columns]
    table = Table(*names, box=None, pad_edge=False, header_style="bold")
    for row in found.rows:
        table.add_row(*(clean("" if value is None else str(value)) for value in row))
    answer([dict(zip(names, row, strict=True)) for row in found.rows], table, as_json)


def _query(kql: str) -> str:
    if not kql.startswith("@"):
        return kql
    try:
        return Path(kql[1:]).read_text(encoding="utf-8")
    except OSError as error:
        raise Failure("USAGE", f"{kql[1:]} cannot be read: {error.strerror}", ExitCode.USAGE) from error


def _asked(run: RunFile, kql: str) -> Found:
    azure = f"https://localhost:{run.ports['azure']}"
    person = {"grant_type": "password", "client_id": AUDIENCE, "username": run.people[0]}
    try:
        with httpx.Client(verify=ssl.create_default_context(cafile=run.ca), timeout=TIMEOUT_S, trust_env=False) as http:
            signed_in = http.post(run.issuer.removesuffix("/v2.0") + "/oauth2/v2.0/token", data=person)
            bearer = {"authorization": f"Bearer {signed_in.raise_for_status().json()['access_token']}"}
            heard = http.post(f"{azure}/v1/workspaces/{WORKSPACE}/query", json={"query": kql}, headers=bearer)
    except httpx.HTTPError as error:
        raise Failure("NOT_REACHABLE", f"no answer from {azure}: {error}", ExitCode.NOT_REACHABLE) from error
    if heard.is_error:
        said = heard.json()["error"]
        words = str(said.get("innererror", {}).get("message") or said["message"])
        raise Failure("QUERY_REFUSED", words, ExitCode.REFUSED)
    return Found.model_validate(heard.json()["tables"][0])
