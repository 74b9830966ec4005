"""A Cosmos DB account's regions, read from Resource Manager (Microsoft.DocumentDB, api 2026-03-15); never written.

One GET needs no client of its own: it goes through the pipeline that App Service's client has already
(azure-mgmt-cosmosdb would be 9 MB more and 0.16 s of a cold start).
"""

from slipway.adapters.app_service.arm import Arm
from slipway.promotion.region_gate import Account
from slipway.settings import Settings, settings

API_VERSION = "2026-03-15"


def read_account(account: str, settings_: Settings | None = None) -> Account:
    """The account with that resource id. Raises AzureProblem; a refusal names what our identity needs."""
    subscription = account.split("/")[2]
    told = Arm(settings_ or settings(), subscription).get(account, API_VERSION).properties
    write = [region_of(each.get("locationName")) for each in told.get("writeLocations") or ()]
    every = [*(told.get("writeLocations") or ()), *(told.get("readLocations") or ()), *(told.get("locations") or ())]
    locations: dict[str, str] = {}
    for each in every:  # what one of the lists says against a region counts
        name, state = region_of(each.get("locationName")), str(each.get("provisioningState") or "unknown")
        if locations.get(name, "Succeeded") == "Succeeded":
            locations[name] = state
    return Account(locations, tuple(sorted(write)), str(told.get("provisioningState") or "unknown"))


def region_of(name: object) -> str:
    """`West Europe` as `westeurope`."""
    return "".join(str(name or "").lower().split())
