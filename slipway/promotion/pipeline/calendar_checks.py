"""What is wrong with a stage's calendar as a whole, and with services that wait for each other."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from slipway.promotion.calendar.opening import opening
from slipway.promotion.calendar.windows import Calendar
from slipway.promotion.pipeline.calendar import SAME, BusinessHours, FreezeWindow
from slipway.promotion.pipeline.findings import Finding
from slipway.promotion.pipeline.graph import cycles
from slipway.promotion.pipeline.placed import documents_in, mappings, stages_in, texts
from slipway.promotion.pipeline.positions import Document, Path
from slipway.promotion.pipeline.section import sound

_ANY_MONDAY = datetime(2027, 1, 4, tzinfo=UTC)
_A_YEAR = timedelta(days=367)
Place = tuple[str, str]


def check_calendars(document: Document) -> None:
    """Report freezes of one name, stages that are never open, and stages that wait for themselves."""
    for path, stage in stages_in(document):
        freezes = mappings(stage.get("freeze"), (*path, "freeze"))
        seen: set[str] = set()
        for at, name in texts(freezes, "name"):
            if name in seen:
                document.report("DUPLICATE_NAME", "there is already a freeze of this name in the stage", at)
            seen.add(name)
        _check_open(document, path, stage)
        for at, service in texts(mappings(stage.get("after"), (*path, "after")), "service"):
            if service == document.data.get("service"):
                document.report("CYCLE", "the service would wait for itself", at)


def cyclic_services(pipelines: Iterable[tuple[str, str]]) -> list[Finding]:
    """A finding for each circle of services that wait for each other in an environment, in the file of the first. Each
    of the `pipelines` is a text and the file that it lies in."""
    waits: dict[str, list[str]] = {}
    places: dict[str, tuple[Document, Path]] = {}
    documents = [document for document, _ in documents_in(pipelines)]
    for document in documents:
        for path, stage in stages_in(document):
            service, environment = document.data.get("service"), stage.get("environment")
            if not isinstance(service, str) or not isinstance(environment, str):
                continue
            here = _place(service, environment)
            for at, after in mappings(stage.get("after"), (*path, "after")):
                where = after.get("environment", SAME)
                there = _place(str(after.get("service")), environment if where == SAME else str(where))
                waits.setdefault(here, []).append(there)
                waits.setdefault(there, [])
                places.setdefault(here, (document, at))
    for cycle in cycles(waits):
        if len(cycle) > 1:  # one that waits for itself is told by its own pipeline
            document, at = places[cycle[0]]
            words = f"these services wait for each other: {' → '.join([*cycle, cycle[0]])}"
            document.report("CYCLE", words, (*at, "service"))
    return [finding for document in documents for finding in sorted(set(document.findings))]


def _place(service: str, environment: str) -> str:
    return f"{service} in {environment}"


def _check_open(document: Document, path: Path, stage: dict[str, Any]) -> None:
    """A freeze that comes once ends; what recurs may leave no time at all."""
    written = [sound(FreezeWindow, each) for _, each in mappings(stage.get("freeze"), (*path, "freeze"))]
    freezes = tuple(each.window for each in written if each and each.recurring)
    given = sound(BusinessHours, stage.get("hours")) if isinstance(stage.get("hours"), dict) else None
    calendar = Calendar(freezes, given.hours if given else None)
    if not calendar:
        return
    found = opening(calendar, _ANY_MONDAY)
    if not found.is_open and (found.until is None or found.until > _ANY_MONDAY + _A_YEAR):
        words = "no build ever enters: its freezes and business hours leave no time"
        document.report("NEVER_OPEN", words, (*path, "hours" if given else "freeze"))
