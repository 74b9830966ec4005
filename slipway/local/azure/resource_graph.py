"""Resource Graph (`POST /providers/Microsoft.ResourceGraph/resources`, api 2021-03-01): KQL over what Defender for
Cloud has found in images, table `securityresources`.

`POST /standin/assessments` says what it has found in one; an image of which nothing was said is not there, as in Azure
one that was not scanned.
"""

import asyncio
import json
import sqlite3
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.local.azure.logs.translation import to_sql
from slipway.local.azure.tokens import RESOURCE_MANAGER, TokenRefused, Tokens

API_VERSIONS = ("2021-03-01", "2022-10-01", "2024-04-01")
TABLE, COLUMNS = "securityresources", ("id", "name", "type", "properties")
IMAGES = "c0b7cfc6-3172-465a-b378-53c7ff2cc0d5"
KIND = "microsoft.security/assessments/subassessments"
SCHEMA = "CREATE TABLE IF NOT EXISTS assessments (digest TEXT PRIMARY KEY, findings TEXT NOT NULL);"


class Finding(BaseModel):
    """One finding of an image; `code` Healthy says that it was looked for, and is not there."""

    model_config = ConfigDict(extra="forbid")
    severity: str = "High"
    code: str = "Unhealthy"


class Told(BaseModel):
    """What Defender has found in the image; what it had found before is forgotten."""

    model_config = ConfigDict(extra="forbid")
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    findings: list[Finding]


class Asked(BaseModel):
    """The request; what else there may be is not looked at."""

    query: str


class ResourceGraph:
    """The query goes through duckdb-kql, over rows made of what was told."""

    PATH = "/providers/Microsoft.ResourceGraph/resources"
    TOLD = "/standin/assessments"

    def __init__(self, database: sqlite3.Connection, tokens: Tokens) -> None:
        self._db = database
        self._tokens = tokens
        database.executescript(SCHEMA)

    def routes(self) -> list[web.RouteDef]:
        return [web.post(self.PATH, self.query), web.post(self.TOLD, self.tell)]

    async def tell(self, request: web.Request) -> web.Response:
        """204; 400 for what is no finding."""
        try:
            told = Told.model_validate_json(await request.read())
        except ValidationError as error:
            return web.Response(status=400, text=str(error))
        values = told.digest, json.dumps([finding.model_dump() for finding in told.findings])
        self._db.execute("INSERT OR REPLACE INTO assessments (digest, findings) VALUES (?, ?)", values)
        return web.Response(status=204)

    async def query(self, request: web.Request) -> web.Response:
        try:
            self._tokens.check(request.headers.get("Authorization"), RESOURCE_MANAGER)
        except TokenRefused as refusal:
            return _error(401, "AuthenticationFailed", f"Authentication failed: {refusal}.")
        if request.query.get("api-version") not in API_VERSIONS:
            return _error(400, "MissingApiVersionParameter", "The api-version query parameter is not supported.")
        try:
            asked = Asked.model_validate_json(await request.read())
        except ValidationError as error:
            return _error(400, "BadRequest", f"Please provide below info when asking for support: {error.errors()[0]}")
        found = self._db.execute("SELECT digest, findings FROM assessments").fetchall()
        rows = [row for each in found for row in _rows(each["digest"], json.loads(each["findings"]))]
        try:
            data = await asyncio.to_thread(_answer, asked.query, rows)
        except ValueError as error:
            return _error(400, "BadRequest", f"The query is not valid: {error}")
        told = {"totalRecords": len(data), "count": len(data), "data": data, "facets": [], "resultTruncated": "false"}
        return web.json_response(told)


def _rows(digest: str, findings: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    """A row a finding, as `securityresources` has them."""
    return [
        (
            f"/subscriptions/x/providers/Microsoft.Security/assessments/{IMAGES}/subassessments/{digest[7:19]}-{number}",
            f"{digest[7:19]}-{number}",
            KIND,
            json.dumps(
                {
                    "status": {"code": each["code"], "severity": each["severity"]},
                    "additionalData": {"artifactDetails": {"digest": digest}},
                }
            ),
        )
        for number, each in enumerate(findings)
    ]


def _answer(kql: str, rows: list[tuple[str, str, str, str]]) -> list[dict[str, Any]]:
    """Raises ValueError for what is no KQL, or none that the stand-in has."""
    import duckdb
    import duckdb_kql

    try:
        with duckdb.connect(":memory:") as database:
            database.execute(f"CREATE TABLE {TABLE} (id VARCHAR, name VARCHAR, type VARCHAR, properties JSON)")
            if rows:
                database.executemany(f"INSERT INTO {TABLE} VALUES (?, ?, ?, ?)", rows)
            found = database.execute(to_sql(kql, ((TABLE, COLUMNS),)))
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    except (duckdb_kql.KqlError, duckdb.Error) as error:
        raise ValueError(str(error).partition("\n")[0]) from error


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
