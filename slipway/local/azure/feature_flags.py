"""Feature flags as an application of ours reads them: polled from App Configuration, decided for each user.

Of Microsoft's feature management (schema v2) it knows what a laptop's application needs: on and off, the filter
`Microsoft.Targeting`, and an allocation of variants by user and percentile. Only the standard library: a worker has to
start in a blink.
"""

import hashlib
import json
import ssl
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

EVERY_S = 1.0
PREFIX = ".appconfig.featureflag/"
AUDIENCE = "https://appconfig.azure.com"
API = "2023-11-01"


class Evaluated(NamedTuple):
    """What a user gets of a flag; `variant` is empty for a flag without variants. `new`: not what everybody had."""

    on: bool
    variant: str = ""
    new: bool = False


class Polled:
    """The documents of some flags, by name, as they were read last; none before the first reading."""

    def __init__(self, labels: Mapping[str, str], settings: Mapping[str, str]) -> None:
        self._labels, self._settings = labels, settings
        self._documents: dict[str, dict[str, Any]] = {}
        self._etags: dict[str, str] = {}
        self._stopped = threading.Event()

    def start(self) -> None:
        """Reads them again and again, by a thread of its own: an application does not wait for its flags."""
        threading.Thread(target=self._run, daemon=True).start()

    def of(self, name: str, user: str) -> Evaluated:
        """What that user gets; a flag that is not there is off."""
        return evaluate(self._documents.get(name, {}), user)

    def _run(self) -> None:
        self._read_all()
        while not self._stopped.wait(EVERY_S):
            self._read_all()

    def _read_all(self) -> None:
        for name, label in self._labels.items():
            try:
                self._read(name, label)
            except (OSError, ValueError, KeyError) as error:
                print(f"flag {name} is read later: {error!r}", file=sys.stderr, flush=True)

    def _read(self, name: str, label: str) -> None:
        query = urlencode({"api-version": API, "label": label or "\0"})
        url = f"{self._settings['AZURE_APPCONFIGURATION_ENDPOINT']}/kv/{quote(PREFIX + name, safe='')}?{query}"
        headers = {"Authorization": f"Bearer {self._token()}"}
        if name in self._etags:
            headers["If-None-Match"] = f'"{self._etags[name]}"'
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url, headers=headers), timeout=5, context=self._trusting()
            ) as answer:
                found = json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                self._documents.pop(name, None)
                self._etags.pop(name, None)
            elif error.code != 304:
                raise
            return
        self._documents[name], self._etags[name] = json.loads(found["value"]), found["etag"]

    def _token(self) -> str:
        """Of our identity; kept for as long as this process lives, which is shorter than a token does."""
        if not hasattr(self, "_kept"):
            query = urlencode({"api-version": "2019-08-01", "resource": AUDIENCE})
            asked = urllib.request.Request(
                f"{self._settings['IDENTITY_ENDPOINT']}?{query}",
                headers={"X-IDENTITY-HEADER": self._settings["IDENTITY_HEADER"]},
            )
            with urllib.request.urlopen(asked, timeout=5) as answer:
                self._kept = str(json.load(answer)["access_token"])
        return self._kept

    def _trusting(self) -> ssl.SSLContext:
        if not hasattr(self, "_tls"):
            self._tls = ssl.create_default_context(cafile=self._settings["SSL_CERT_FILE"])
        return self._tls


def evaluate(document: Mapping[str, Any], user: str, groups: Sequence[str] = ()) -> Evaluated:
    """What `user` gets, as Microsoft's libraries decide it."""
    name, variants = str(document.get("id", "")), document.get("variants") or []
    allocation = document.get("allocation") or {}
    if not document.get("enabled"):
        return _disabled(allocation) if variants else Evaluated(False)
    filters = (document.get("conditions") or {}).get("client_filters") or []
    on = not filters or any(_lets_in(each, name, user, groups) for each in filters)
    if not variants:
        return Evaluated(on, new=on)
    if not on:
        return _disabled(allocation)
    variant = _variant(allocation, name, user, groups)
    return Evaluated(True, variant, variant != allocation.get("default_when_enabled"))


def _disabled(allocation: Mapping[str, Any]) -> Evaluated:
    """Disabled, a flag still gives everybody a variant, if it names one."""
    variant = str(allocation.get("default_when_disabled", ""))
    return Evaluated(False, variant, bool(variant) and variant != allocation.get("default_when_enabled"))


def place(text: str) -> float:
    """0 to 100, always the same of the same text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little") / 0xFFFFFFFF * 100


def _lets_in(filter: Mapping[str, Any], name: str, user: str, groups: Sequence[str]) -> bool:
    if filter.get("name") != "Microsoft.Targeting":
        return False
    audience = filter["parameters"]["Audience"]
    excluded = audience.get("Exclusion") or {}
    if user in (excluded.get("Users") or []) or set(groups) & set(excluded.get("Groups") or []):
        return False
    if user in (audience.get("Users") or []):
        return True
    for group in audience.get("Groups") or []:
        if group["Name"] in groups and place(f"{user}\n{name}\n{group['Name']}") < group["RolloutPercentage"]:
            return True
    return place(f"{user}\n{name}") < float(audience.get("DefaultRolloutPercentage", 0))


def _variant(allocation: Mapping[str, Any], name: str, user: str, groups: Sequence[str]) -> str:
    for entry in allocation.get("user") or []:
        if user in entry["users"]:
            return str(entry["variant"])
    for entry in allocation.get("group") or []:
        if set(groups) & set(entry["groups"]):
            return str(entry["variant"])
    stands = place(f"{user}\n{allocation.get('seed') or f'allocation{chr(10)}{name}'}")
    for entry in allocation.get("percentile") or []:
        if entry["from"] <= stands < entry["to"]:
            return str(entry["variant"])
    return str(allocation.get("default_when_enabled", ""))
