"""All artifacts of a build, fixed as one unit: images and charts by digest, packages by the version of their blob.

Only reads, so it can be asked again and again; the first answer is the one that counts.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.registry import Registry
from slipway.promotion.outcomes import Answer, broken, failed, iso, moment, passed, running
from slipway.promotion.pins import (
    ARTIFACT_MISSING,
    DIGEST_MISMATCH,
    Pin,
    contradicted,
    is_package,
    not_pinned,
    pinned_at,
    reference_of,
)
from slipway.promotion.plain import plain
from slipway.settings import Settings, settings

MAY_BE_LATE = timedelta(minutes=5)  # CI may say that a build is finished before its push is
MAY_BE_AWAY = timedelta(hours=24)
_LOOKS_EVERY_S = 10.0
_PACKAGE_S = 5.0


class Pinning:
    def __init__(self, settings_: Settings | None = None) -> None:
        self._settings = settings_ or settings()

    def pin(self, addresses: Sequence[str], said: str, handle: Mapping[str, Any]) -> Answer:
        """Result: `pins`, a `Pin` of each. `said` is the digest that CI names, if any; `handle` that of the try before.

        Running while a tag is not there (for five minutes, then broken ARTIFACT_MISSING) or its registry is away (for
        a day). Failed DIGEST_MISMATCH when what is there is not what CI says.
        """
        since = {"since": handle.get("since") or iso(clock.now())}
        waited = clock.now() - moment(since["since"])
        pins: list[Pin] = []
        for address in addresses:
            try:
                pin = self._pin(address)
            except AzureProblem as problem:
                answer = problem.fault.answer(since, _LOOKS_EVERY_S)
                words = f"{address} cannot be pinned: {answer.words}"
                if answer.running and waited < MAY_BE_AWAY:
                    return running(since, answer.after_s, words)
                return broken(problem.fault.stable_code, words)
            if pin is None:
                words = f"{address} is not there"
                if waited < MAY_BE_LATE:
                    return running(since, _LOOKS_EVERY_S, f"{words} yet")
                return broken(ARTIFACT_MISSING, f"{words}: push it, then submit the build again")
            pins.append(pin)
        if contradicted(said, pins):
            found = "; ".join(pin.words for pin in pins)
            return failed(DIGEST_MISMATCH, f"CI's build is {said}, but {found}: somebody has moved the tag")
        return passed("; ".join(pin.words for pin in pins), pins=[plain(pin) for pin in pins])

    def _pin(self, address: str) -> Pin | None:
        """None when nothing is there. Raises AzureProblem."""
        if is_package(address):
            return self._pin_package(address)
        reference = reference_of(address)
        if reference is None:
            return Pin(address, address, why_not=not_pinned(address))
        manifest = Registry(self._settings).manifest(reference)
        return pinned_at(address, manifest) if manifest else None

    def _pin_package(self, address: str) -> Pin:
        """A package is fetched by its target, so that we cannot reach it is no fault: it is just not pinned."""
        import requests

        if "?" in address:
            return Pin(address, address, why_not="its address is signed for itself alone")
        try:
            found = requests.head(address, timeout=_PACKAGE_S, verify=self._settings.verify, allow_redirects=False)
        except requests.RequestException:
            return Pin(address, address, why_not="it cannot be looked at from here")
        version = found.headers.get("x-ms-version-id", "") if found.ok else ""
        if not version:
            return Pin(address, address, why_not="it is no blob that keeps its versions")
        return Pin(address, f"{address}?versionid={version}")
