"""What is deployed, fixed when a promotion begins: every artifact of the build by its digest, all of them as one unit.

A tag can be moved between two stages; what was verified in one must be what serves in the next.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

ARTIFACT_MISSING, DIGEST_MISMATCH = "ARTIFACT_MISSING", "DIGEST_MISMATCH"
ACR = "an Azure container registry"
_IMAGE = re.compile(
    r"(?P<registry>[^/]+)/(?P<repository>[^:@]+):(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})(?P<digest>@sha256:[0-9a-f]+)?\Z"
)
_ACR = re.compile(r"[a-z0-9][a-z0-9-]*\.azurecr\.io\Z", re.IGNORECASE)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class Reference:
    """An image or a chart in a container registry, by its tag."""

    registry: str
    repository: str
    tag: str


@dataclass(frozen=True)
class Manifest:
    """What a registry has under a tag: its digest, and of an image for several platforms theirs."""

    digest: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pin:
    """An artifact at its `address` in the pipeline, and `at` which one it is deployed from now on. Where that cannot be
    fixed they are the same, and `why_not` says so in words."""

    address: str
    at: str
    digest: str = ""
    parts: tuple[str, ...] = ()
    why_not: str = ""

    @property
    def words(self) -> str:
        if self.why_not:
            return f"{self.address} is deployed as it is then: {self.why_not}"
        return f"{self.address} is {self.digest or 'the version ' + self.at.partition('versionid=')[2]}"


def is_package(address: str) -> bool:
    """Whether it is a web address, not an image or a chart."""
    return address.startswith(("https://", "http://"))


def reference_of(address: str) -> Reference | None:
    """The place of an image or a chart in an Azure container registry; None for anything else, and for what its
    pipeline has pinned already."""
    found = _IMAGE.match(address)
    if found is None or found["digest"] or not _ACR.match(found["registry"]):
        return None
    return Reference(found["registry"].lower(), found["repository"], found["tag"])


def pinned_at(address: str, manifest: Manifest) -> Pin:
    """By its digest. The tag stays in the address for whoever reads it; what pulls goes by the digest."""
    return Pin(address, f"{address}@{manifest.digest}", manifest.digest, manifest.parts)


def not_pinned(address: str) -> str:
    """Why an artifact that lies in no Azure container registry is deployed by its tag."""
    if "@sha256:" in address:
        return "its pipeline names the digest"
    return f"{address.partition('/')[0]} is not {ACR}"


def contradicted(said: str, pins: Sequence[Pin]) -> bool:
    """Whether the digest that CI names is that of none of them. What has no digest here may still be what CI means."""
    if not _DIGEST.match(said) or not pins or not all(pin.digest for pin in pins):
        return False
    return not any(said in (pin.digest, *pin.parts) for pin in pins)


def how_pinned(address: str) -> str:
    """Of an image or a chart, for a plan, before anything is known of a build."""
    if reference_of(address.replace("{version}", "0").replace("{service}", "s")):
        return "pinned to its digest when a promotion begins"
    return f"deployed by its tag, which may move: {not_pinned(address)}"
