"""All artifacts of a build, fixed as one unit: images and charts by digest, packages by the version of their blob.

Only reads, so it can be asked again and again; the first answer is the one that counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.azure_errors import AzureProblem, retry_after_s
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
PACKAGE_TRIES = 3
_PACKAGE_S = 5.0
_PACKAGE_WAITS_S = 60.0  # at most: it is no fault if it stays unpinned


class _Unwell(Exception):
    """A package's server could not say: worth another try."""

    def __init__(self, words: str, after_s: float = _LOOKS_EVERY_S) -> None:
        super().__init__(words)
        self.words, self.after_s = words, after_s


class Pinning:
    def __init__(self, settings_: Settings | None = None) -> None:
        self._settings = settings_ or settings()

    def pin(self, addresses: Sequence[str], said: str, handle: Mapping[str, Any]) -> Answer:
        """Result: `pins`, a `Pin` of each. `said` is the digest that CI names, if any; `handle` that of the try before.

        Running while a tag is not there (for five minutes, then broken ARTIFACT_MISSING) or its registry is away (for
        a day); while a package's server is unwell for a few tries, then that one is not pinned. Nobody is asked before
        the moment that Azure has named. Failed DIGEST_MISMATCH when what is there is not what CI says.
        """
        now = clock.now()
        if "not_before" in handle and now < (at := moment(handle["not_before"])):
            return running(dict(handle), (at - now).total_seconds(), str(handle["words"]))
        answer = self._looked(addresses, said, handle)
        if not answer.running or answer.after_s <= _LOOKS_EVERY_S:
            return answer
        until = {"not_before": iso(now + timedelta(seconds=answer.after_s)), "words": answer.words}
        return replace(answer, handle={**answer.handle, **until})

    def _looked(self, addresses: Sequence[str], said: str, handle: Mapping[str, Any]) -> Answer:
        now, tries = clock.now(), int(handle.get("tries") or 0)
        since = {"since": handle.get("since") or iso(now)}
        pins: list[Pin] = []
        for address in addresses:
            try:
                pin = self._pin(address)
            except AzureProblem as problem:
                answer = problem.fault.answer(since, _LOOKS_EVERY_S)
                words = f"{address} cannot be pinned: {answer.words}"
                if answer.running and now - moment(since["since"]) < MAY_BE_AWAY:
                    return running({**since, "tries": tries}, answer.after_s, words)
                return broken(problem.fault.stable_code, words)
            except _Unwell as unwell:
                if tries + 1 < PACKAGE_TRIES:
                    words = f"{address} cannot be pinned: {unwell.words}"
                    return running({**since, "tries": tries + 1}, unwell.after_s, words)
                pin = Pin(address, address, why_not=unwell.words)
            if pin is None:
                words = f"{address} is not there"
                missing = handle.get("missing_since") or iso(now)  # an outage before it does not count
                if now - moment(missing) < MAY_BE_LATE:
                    return running({**since, "tries": tries, "missing_since": missing}, _LOOKS_EVERY_S, f"{words} yet")
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
        """A package is fetched by its target, so that we cannot reach it is no fault: it is just not pinned. Raises
        _Unwell."""
        import requests
        from urllib3.exceptions import NewConnectionError

        if "?" in address:
            return Pin(address, address, why_not="its address is signed for itself alone")
        try:
            found = requests.head(address, timeout=_PACKAGE_S, verify=self._settings.verify, allow_redirects=False)
        except requests.RequestException as error:
            reason = getattr(error.args[0] if error.args else None, "reason", None)
            if isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError):
                return Pin(address, address, why_not="it cannot be looked at from here")
            raise _Unwell(f"its server does not answer ({type(error).__name__})") from error
        if found.status_code == 429 or found.status_code >= 500:
            wants_s = min(retry_after_s(found.headers), _PACKAGE_WAITS_S)
            raise _Unwell(f"its server answers {found.status_code}", max(wants_s, _LOOKS_EVERY_S))
        if not found.ok:
            return Pin(address, address, why_not=f"its server answers {found.status_code} to whoever has no token")
        version = found.headers.get("x-ms-version-id", "")
        if not version:
            return Pin(address, address, why_not="it is no blob that keeps its versions")
        return Pin(address, f"{address}?versionid={version}")
