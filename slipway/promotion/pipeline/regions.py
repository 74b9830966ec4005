"""Azure's regions, as far as they are known here: enough to find a slip of the pen.

New ones come every year, so a region that is like none of these is taken as it is.
"""

from difflib import get_close_matches

_LIKE = 0.85
REGIONS = frozenset(
    [
        "australiacentral",
        "australiacentral2",
        "australiaeast",
        "australiasoutheast",
        "austriaeast",
        "belgiumcentral",
        "brazilsouth",
        "brazilsoutheast",
        "canadacentral",
        "canadaeast",
        "centralindia",
        "centralus",
        "chilecentral",
        "chinaeast",
        "chinaeast2",
        "chinaeast3",
        "chinanorth",
        "chinanorth2",
        "chinanorth3",
        "denmarkeast",
        "eastasia",
        "eastus",
        "eastus2",
        "francecentral",
        "francesouth",
        "germanynorth",
        "germanywestcentral",
        "indonesiacentral",
        "israelcentral",
        "italynorth",
        "japaneast",
        "japanwest",
        "jioindiacentral",
        "jioindiawest",
        "koreacentral",
        "koreasouth",
        "malaysiawest",
        "mexicocentral",
        "newzealandnorth",
        "northcentralus",
        "northeurope",
        "norwayeast",
        "norwaywest",
        "polandcentral",
        "qatarcentral",
        "southafricanorth",
        "southafricawest",
        "southcentralus",
        "southeastasia",
        "southindia",
        "spaincentral",
        "swedencentral",
        "swedensouth",
        "switzerlandnorth",
        "switzerlandwest",
        "taiwannorth",
        "uaecentral",
        "uaenorth",
        "uksouth",
        "ukwest",
        "usgovarizona",
        "usgovtexas",
        "usgovvirginia",
        "westcentralus",
        "westeurope",
        "westindia",
        "westus",
        "westus2",
        "westus3",
    ]
)


def meant(region: str) -> str:
    """The known region that was meant by one that is none; empty when it is one, or may be a new one: `eastus3` is no
    slip of `eastus2`."""
    known = {name.rstrip("0123456789") for name in REGIONS}
    if region.rstrip("0123456789") in known:
        return ""
    close = get_close_matches(region, sorted(REGIONS), n=1, cutoff=_LIKE)
    return close[0] if close else ""
