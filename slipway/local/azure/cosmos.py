"""Resource Manager for Cosmos DB accounts (Microsoft.DocumentDB, api 2026-03-15): their regions, to be read, and
`POST /standin/cosmos`, by which a test or a demo moves them. There is no database behind one."""

import json
import re
import sqlite3
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from slipway.local.azure.arm import lies_in, not_implemented, resource_not_found
from slipway.local.azure.config import CosmosConfig, StandinConfig

ACCOUNT = re.compile(
    r"/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.DocumentDB/databaseAccounts/(?P<account>[^/]+)",
    re.IGNORECASE,
)
SCHEMA = "CREATE TABLE IF NOT EXISTS cosmos (account TEXT PRIMARY KEY, regions TEXT NOT NULL);"
SUCCEEDED = "Succeeded"


class Told(BaseModel):
    """What happens to an account: its writes move to the region `write`; a `region` gets the `state` (Succeeded,
    Updating, Offline …); or one is taken away (`removed`)."""

    model_config = ConfigDict(extra="forbid")
    account: str
    write: str | None = None
    region: str | None = None
    state: str = SUCCEEDED
    removed: str | None = None


class Accounts:
    """`regions` of an account are kept in the order of their failover priorities: the first one is written to."""

    PATH = "/standin/cosmos"

    def __init__(self, config: StandinConfig, database: sqlite3.Connection) -> None:
        self._config = config
        self._accounts = {account.name: account for account in config.cosmos_accounts}
        self._db = database
        database.executescript(SCHEMA)

    async def answer(self, request: web.Request, rest: str) -> web.Response | None:
        """Of Microsoft.DocumentDB; as `arm.Provider` has it."""
        found = ACCOUNT.fullmatch(rest)
        if found is None:
            return None
        account = self._accounts.get(found["account"].lower())
        if account is None or not lies_in(request, self._config.group_of(account)):
            raise resource_not_found(f"Microsoft.DocumentDB/databaseAccounts/{found['account']}", found["group"])
        if request.method != "GET":
            raise not_implemented(request)
        return web.json_response(self._shown(account))

    def routes(self) -> list[web.RouteDef]:
        return [web.post(self.PATH, self.tell)]

    async def tell(self, request: web.Request) -> web.Response:
        """204; 400 for what no account could do."""
        try:
            told = Told.model_validate_json(await request.read())
            account = self._accounts[told.account]
            regions = self._regions(account)
            if told.region is not None:
                regions = {**regions, told.region: told.state}
            if told.removed is not None:
                del regions[told.removed]
            if told.write is not None:
                regions = {told.write: regions[told.write], **regions}
        except (ValidationError, KeyError) as error:
            return web.Response(status=400, text=str(error))
        values = account.name, json.dumps(list(regions.items()))
        self._db.execute("INSERT OR REPLACE INTO cosmos (account, regions) VALUES (?, ?)", values)
        return web.Response(status=204)

    def _regions(self, account: CosmosConfig) -> dict[str, str]:
        """Their states, by name as Azure shows it."""
        row = self._db.execute("SELECT regions FROM cosmos WHERE account = ?", (account.name,)).fetchone()
        return dict(json.loads(row["regions"])) if row else dict.fromkeys(account.locations, SUCCEEDED)

    def _shown(self, account: CosmosConfig) -> dict[str, Any]:
        regions = self._regions(account)
        group = self._config.group_of(account)
        locations = [
            {
                "id": f"{account.name}-{name.replace(' ', '').lower()}",
                "locationName": name,
                "documentEndpoint": f"https://{account.name}-{name.replace(' ', '').lower()}.documents.azure.com:443/",
                "provisioningState": state,
                "failoverPriority": priority,
                "isZoneRedundant": False,
            }
            for priority, (name, state) in enumerate(regions.items())
        ]
        write = locations if account.multiple_writes else locations[:1]
        return {
            "id": f"{group}/providers/Microsoft.DocumentDB/databaseAccounts/{account.name}",
            "name": account.name,
            "type": "Microsoft.DocumentDB/databaseAccounts",
            "location": locations[0]["locationName"] if locations else "",
            "kind": "GlobalDocumentDB",
            "properties": {
                "provisioningState": SUCCEEDED,
                "documentEndpoint": f"https://{account.name}.documents.azure.com:443/",
                "databaseAccountOfferType": "Standard",
                "enableAutomaticFailover": True,
                "enableMultipleWriteLocations": account.multiple_writes,
                "writeLocations": write,
                "readLocations": locations,
                "locations": locations,
                "failoverPolicies": [
                    {key: each[key] for key in ("id", "locationName", "failoverPriority")} for each in locations
                ],
            },
        }
