"""A Cosmos DB account's regions, read with the real SDK pipeline over TLS."""

from collections.abc import Iterator

import pytest

from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.cosmos import read_account
from slipway.promotion.region_gate import Account, in_the_way
from slipway.promotion.rings import RegionGate
from tests.laptop import AzureStandin

NAME = "shop-db"


@pytest.fixture
def account(azure: AzureStandin) -> Iterator[str]:
    yield azure.account(NAME)
    azure.forget_faults()
    for region in ("North Europe", "West Europe"):
        azure.tell_account(NAME, region=region)
    azure.tell_account(NAME, write="West Europe")


def test_regions_and_the_one_that_is_written_to_are_read(azure: AzureStandin, account: str) -> None:
    seen = read_account(account, azure.settings)
    assert seen == Account({"westeurope": "Succeeded", "northeurope": "Succeeded"}, ("westeurope",))
    assert in_the_way(RegionGate(account, "northeurope"), seen, ()) == ""


def test_a_failover_and_a_region_that_is_out_of_order_show(azure: AzureStandin, account: str) -> None:
    gate = RegionGate(account, "northeurope")
    azure.tell_account(NAME, write="North Europe")
    seen = read_account(account, azure.settings)
    assert seen.write == ("northeurope",)
    assert "have moved from westeurope to northeurope" in in_the_way(gate, seen, ["westeurope"])
    azure.tell_account(NAME, region="West Europe", state="Updating")
    assert (
        in_the_way(gate, read_account(account, azure.settings), ["northeurope"]) == "of shop-db westeurope is Updating"
    )
    azure.tell_account(NAME, removed="West Europe")
    assert set(read_account(account, azure.settings).locations) == {"northeurope"}


def test_a_refusal_names_the_right_that_it_takes(azure: AzureStandin, account: str) -> None:
    azure.withhold("Microsoft.DocumentDB/databaseAccounts/read")
    with pytest.raises(AzureProblem, match=rf"Microsoft\.DocumentDB/databaseAccounts/read on {account}; ") as refused:
        read_account(account, azure.settings)
    assert refused.value.code == "AZURE_DENIED"


def test_an_account_that_is_not_there_is_said(azure: AzureStandin) -> None:
    with pytest.raises(AzureProblem) as missing:
        read_account(azure.account("nowhere"), azure.settings)
    assert missing.value.code == "AZURE_MISSING"
