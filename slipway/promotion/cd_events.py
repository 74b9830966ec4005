"""Our records as CDEvents 0.5 (https://cdevents.dev): what other tools of continuous delivery understand.

    our record                                              CDEvent
    promotion.started                                       pipelinerun.started
    promotion.<outcome>                                     pipelinerun.finished
    stage.verifying-live (it serves the users)              service.upgraded; deployed where nothing served before
    stage.passed (proven)                                   service.published
    stage.<outcome>, its release was live and is not now    service.rolledback

An id is made of the stage and its attempt, not of the record: what is told twice is one event.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from slipway.promotion.about import About
from slipway.promotion.outcomes import Outcome
from slipway.promotion.stage_phases import ROLLED_BACK

SPEC = "0.5.1"
_VERSION = "0.3.0"  # of each of these types, in that specification
_CHAINS = uuid.uuid5(uuid.NAMESPACE_URL, "https://cdevents.dev/slipway/promotions")
# Our outcomes in the words of a pipeline run: `error` is a fault of the pipeline's own, not of what it tested.
_OUTCOMES = {
    Outcome.PASSED: "success",
    Outcome.FAILED: "failure",
    Outcome.CANCELLED: "cancel",
    Outcome.BROKEN: "error",
    Outcome.NOT_ENOUGH_EVIDENCE: "error",
}
_ENDS = (*(each.replace(" ", "-") for each in Outcome), ROLLED_BACK.replace(" ", "-"))


@dataclass(frozen=True)
class CdEvent:
    """`document` is the whole CDEvent, context and subject; the others are its context's, as CloudEvents wants them."""

    id: str
    type: str
    source: str
    subject: str
    at: str
    document: dict[str, Any]


Maker = Callable[[dict[str, Any], About], CdEvent | None]


def cd_events(record: Mapping[str, Any], about: About) -> Iterator[CdEvent]:
    """The CDEvents that a record means; of most there is none, of one without `about` too (an older package's)."""
    make = _MAKERS.get(record["action"])
    if make is not None and about.service and record.get("promotion"):
        event = make(dict(record), about)
        if event is not None:
            yield event


def _run_started(record: dict[str, Any], about: About) -> CdEvent:
    return _event(record, about, "pipelinerun.started", record["promotion"], _run(record, about), "started")


def _run_finished(record: dict[str, Any], about: About) -> CdEvent:
    content = _run(record, about)
    outcome = Outcome(record["action"].partition(".")[2].replace("-", " "))
    content["outcome"] = _OUTCOMES[outcome]
    if outcome is not Outcome.PASSED:
        content["errors"] = record["words"]
    return _event(record, about, "pipelinerun.finished", record["promotion"], content, "ended")


def _run(record: dict[str, Any], about: About) -> dict[str, str]:
    """Its address is a name: where the API is reached is nobody's business but a setting's."""
    return {"pipelineName": about.service, "uri": f"urn:slipway:promotion:{quote(record['promotion'], safe='~')}"}


def _went_live(record: dict[str, Any], about: About) -> CdEvent:
    upgraded = bool(about.previous) and about.previous != about.version
    content = {"environment": _environment(about), "artifactId": purl(about)}
    return _of_service(record, about, "upgraded" if upgraded else "deployed", content)


def _proven(record: dict[str, Any], about: About) -> CdEvent:
    return _of_service(record, about, "published", {"environment": _environment(about)})


def _ended(record: dict[str, Any], about: About) -> CdEvent | None:
    """The artifact of a way back is the one that serves again."""
    if not about.taken_back:
        return None
    back = About(service=about.service, version=about.previous)
    return _of_service(record, about, "rolledback", {"environment": _environment(about), "artifactId": purl(back)})


def _of_service(record: dict[str, Any], about: About, predicate: str, content: dict[str, Any]) -> CdEvent:
    told = record.get("row", {}).get("doc", {})
    once = f"{told.get('attempt', 1)}:{predicate}"
    return _event(record, about, f"service.{predicate}", about.service, content, once, told.get("instance", ""))


def _event(
    record: dict[str, Any],
    about: About,
    type_: str,
    subject: str,
    content: dict[str, Any],
    once: str,
    instance: str = "",
) -> CdEvent:
    """`once` tells it from the other events of the same orchestration: of `instance`, else of the promotion."""
    id, source = f"{instance or record['promotion']}:cdevents:{once}", f"/slipway/promotions/{record['promotion']}"
    full = f"dev.cdevents.{type_}.{_VERSION}"
    context = {
        "specversion": SPEC,
        "id": id,
        "source": source,
        "type": full,
        "timestamp": record["at"],
        "chainId": str(uuid.uuid5(_CHAINS, record["promotion"])),
    }
    custom = {"version": about.version, "words": record["words"], "promotion": record["promotion"]}
    custom |= {"stage": record["stage"]} if record.get("stage") else {}
    custom |= {"commit": about.commit} if about.commit else {}
    document = {
        "context": context,
        "subject": {"id": subject, "source": source, "content": content},
        "customData": custom,
        "customDataContentType": "application/json",
    }
    return CdEvent(id, full, source, subject, record["at"], document)


def _environment(about: About) -> dict[str, str]:
    return {"id": about.environment, "source": f"/slipway/environments/{about.environment}"}


def purl(about: About) -> str:
    """The package URL of an artifact: `oci` for an image, else `generic`; of an address nothing after its path, which
    may be a signature."""
    version, address = quote(about.version, safe="") or "none", about.artifact
    if address and "://" not in address:
        repository, _, tag = address.rpartition(":")
        name = repository.rpartition("/")[2]
        at = quote(about.digest, safe="") or version
        return f"pkg:oci/{name}@{at}?repository_url={quote(repository, safe='/')}&tag={quote(tag, safe='')}"
    qualifiers = []
    if about.digest:
        qualifiers.append(f"checksum={quote(about.digest, safe=':')}")
    if address:
        qualifiers.append(f"download_url={quote(address.partition('?')[0], safe=':/')}")
    return f"pkg:generic/{about.service}@{version}" + (f"?{'&'.join(qualifiers)}" if qualifiers else "")


_MAKERS: dict[str, Maker] = {
    "promotion.started": _run_started,
    **{f"promotion.{outcome.replace(' ', '-')}": _run_finished for outcome in Outcome},
    "stage.verifying-live": _went_live,
    **{f"stage.{end}": _ended for end in _ENDS},
    "stage.passed": _proven,
}
