"""Whether a ring's users may be moved, by what its Cosmos DB account shows."""

import pytest

from slipway.promotion.region_gate import Account, in_the_way
from slipway.promotion.rings import RegionGate

READY = {"northeurope": "Succeeded", "westeurope": "Succeeded", "uksouth": "Succeeded"}
GATE = RegionGate("/x/databaseAccounts/hub", "northeurope", ("northeurope", "westeurope"), write_region_last=True)


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (Account(READY, ("westeurope",)), ""),
        (Account(READY, ("northeurope",)), "northeurope is written to, and is to come last"),
        (Account(READY, ("uksouth",)), "uksouth is written to, and is to come last"),
        (Account(READY, ("westeurope",), "Updating"), "hub is Updating"),
        (Account(READY, ()), "hub names no region that is written to"),
        (Account({"westeurope": "Succeeded"}, ("westeurope",)), "northeurope is none of the regions of hub"),
    ],
)
def test_a_ring_waits_until_its_account_is_ready_and_written_to_in_the_last_rings_region(
    account: Account, words: str
) -> None:
    found = in_the_way(GATE, account, ())
    assert (words in found) if words else found == ""
