"""What sends the users of a target to one of its two sides from outside of it, by the section of its name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Switch:
    """`on` is what it stands on in Azure, in words; `actions` are those that whoever sends users by it needs there."""

    section: str
    on: str
    actions: tuple[str, ...]


TRAFFIC_MANAGER_SWITCH = Switch(
    section="traffic-manager",
    on="the Traffic Manager profile",
    actions=(
        "Microsoft.Network/trafficManagerProfiles/read",
        "Microsoft.Network/trafficManagerProfiles/azureEndpoints/write",
        "Microsoft.Network/trafficManagerProfiles/externalEndpoints/write",
        "Microsoft.Network/trafficManagerProfiles/nestedEndpoints/write",
    ),
)
DNS_SWITCH = Switch(
    section="dns",
    on="the DNS record",
    actions=(
        "Microsoft.Network/dnsZones/CNAME/read",
        "Microsoft.Network/dnsZones/CNAME/write",
        "Microsoft.Network/dnsZones/A/read",
        "Microsoft.Network/dnsZones/A/write",
        "Microsoft.Network/dnsZones/AAAA/read",
        "Microsoft.Network/dnsZones/AAAA/write",
    ),
)
SWITCHES = {switch.section: switch for switch in (TRAFFIC_MANAGER_SWITCH, DNS_SWITCH)}
