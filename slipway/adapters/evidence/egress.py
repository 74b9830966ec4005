"""Which hosts evidence may come from (SLIPWAY_EVIDENCE_HOSTS), and at which addresses.

The build's message names the address, and whoever can put a message on the queue could have us ask anything that our
network reaches. So only listed hosts are asked, a name is resolved once, and an address that is not public counts only
where the list says so. An entry is one of

    dev.azure.com                       that host, port 443
    artifacts.example:8443              with another port
    *.pkg.github.com                    every host below
    artifacts.corp.example=10.1.0.0/16  a host of a private network, and the network that it has to be in
    10.1.2.3  localhost                 such an address itself
    blob:releases.blob.core.windows.net a storage account, which is asked with our own identity
    api.github.com#github-read          with a secret of the key vault as its Authorization header
"""

import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from slipway.adapters.evidence.faults import NotAllowed, Unreachable
from slipway.promotion.errors import SlipwayError
from slipway.promotion.gates.answer import cut

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], list[str]]

HTTPS = 443
_HOST = r"(?P<host>(?:\*\.)?[0-9a-z.-]+|\[[0-9a-f:.]+\])"
_RIGHTS = r"(=(?P<network>[^#]+))?(#(?P<secret>[0-9a-z-]+))?"
_ENTRY = re.compile(rf"(?P<blob>blob:)?{_HOST}(:(?P<port>\d{{1,5}}))?{_RIGHTS}\Z")
# Of the platform, at an address that looks public: it answers every machine in Azure, and knows its secrets.
_OF_AZURE = ip_address("168.63.129.16")
_CARRIES_IPV4 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass(frozen=True)
class Entry:
    """One of the list. `networks` are those in which an address of it may be that is not public; `secret` is the name
    of what it is sent, and a `blob` account is asked with our own identity."""

    host: str
    port: int
    networks: tuple[Any, ...] = ()
    blob: bool = False
    secret: str = ""

    def is_of(self, host: str, port: int) -> bool:
        below = self.host.startswith("*.") and host.endswith(self.host[1:])
        return (host == self.host or below) and port == self.port


@dataclass(frozen=True)
class Way:
    """A host that may be asked, at the one address that it is asked at, and by what right."""

    host: str
    port: int
    address: str
    blob: bool = False
    secret: str = ""


def way_to(host: str, port: int, allowed: str, resolve: Resolve | None = None) -> Way:
    """Raises NotAllowed, Unreachable when nobody knows the name, and SlipwayError SETTING_INVALID for the list."""
    host = host.lower().rstrip(".")
    entry = next((each for each in entries(allowed) if each.is_of(host, port)), None)
    if entry is None:
        words = f"evidence may not come from {cut(host)}:{port}; SLIPWAY_EVIDENCE_HOSTS lists the hosts that it may"
        raise NotAllowed(words)
    for text in (resolve or _resolve)(host, port):
        address = ip_address(text.partition("%")[0])
        if is_public(address) or any(address in network for network in entry.networks):
            return Way(host, port, str(address), entry.blob, entry.secret)
    words = f"{cut(host)} is at an address that is not public; SLIPWAY_EVIDENCE_HOSTS would have to name its network"
    raise NotAllowed(words)


@cache
def entries(allowed: str) -> tuple[Entry, ...]:
    """Raises SlipwayError SETTING_INVALID."""
    return tuple(_entry(text) for text in allowed.lower().replace(",", " ").split())


def _entry(text: str) -> Entry:
    found = _ENTRY.match(text)
    if not found:
        raise _invalid(f"{cut(text)} is no host that evidence may come from")
    host = found["host"].strip("[]")
    port = int(found["port"] or HTTPS)
    return Entry(host, port, tuple(_networks(host, found["network"])), bool(found["blob"]), found["secret"] or "")


def _networks(host: str, named: str | None) -> Iterable[Any]:
    try:
        if named:
            return (ip_network(named),)
        return _LOOPBACK if host == "localhost" else (ip_network(ip_address(host)),)
    except ValueError as error:
        if named:
            raise _invalid(f"{cut(named)} is no network") from error
        return ()


def _invalid(words: str) -> SlipwayError:
    return SlipwayError("SETTING_INVALID", f"SLIPWAY_EVIDENCE_HOSTS {words}")


def is_public(address: Address) -> bool:
    """Whether it is an address of the internet, by itself and by what it carries (IPv4 within IPv6)."""
    within = _carried(address)
    if within is not None:
        return is_public(within)
    return address.is_global and not address.is_multicast and not address.is_reserved and address != _OF_AZURE


def _carried(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if any(isinstance(net, IPv6Network) and address in net for net in _CARRIES_IPV4):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(f"nobody knows the host {cut(host)}") from error
    except UnicodeError as error:
        raise NotAllowed(f"{cut(host)} is no host") from error
    return [str(each[4][0]) for each in found]
