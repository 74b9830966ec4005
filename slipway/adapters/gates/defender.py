"""What Defender for Cloud has found in images (Resource Graph, REST `POST …/Microsoft.ResourceGraph/resources`, api
2021-03-01).

One POST needs no client of its own: it goes through the pipeline that App Service's client has already
(azure-mgmt-resourcegraph pulls msrest). An image about which there is no row was not scanned: that is no good news.
"""

import re
from collections import Counter
from dataclasses import replace
from typing import Any

from slipway.adapters.app_service.arm import Arm
from slipway.adapters.azure_errors import AzureProblem, FaultKind, unreadable
from slipway.promotion.gates.answer import GateAnswer
from slipway.promotion.gates.question import Question
from slipway.promotion.outcomes import Outcome
from slipway.settings import Settings, settings

API_VERSION = "2021-03-01"
PATH = "/providers/Microsoft.ResourceGraph/resources"
NEEDS = "the role Slipway reads Defender's findings where the registry lies"
IMAGES = "c0b7cfc6-3172-465a-b378-53c7ff2cc0d5"  # registry images should have their vulnerabilities resolved
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_QUERY = """securityresources
| where type == "microsoft.security/assessments/subassessments"
| where id contains "{images}"
| extend digest = tostring(properties.additionalData.artifactDetails.digest)
| where digest in~ ({digests})
| extend code = tostring(properties.status.code), severity = tostring(properties.status.severity)
| summarize findings = count() by digest, code, severity"""


def ask(question: Question, settings_: Settings | None = None) -> GateAnswer:
    """Passed or failed (VULNERABILITIES_TOO_MANY) by the findings of each severity; not enough evidence
    DEFENDER_NOT_SCANNED for an image that Defender says nothing of, NO_DIGEST where nothing is deployed by its digest.
    Raises AzureProblem.
    """
    digests = [each for each in question.digests if _DIGEST.match(each)]
    if not digests:
        words = "no image of this stage is known by its digest, and Defender knows images by nothing else"
        return GateAnswer(Outcome.NOT_ENOUGH_EVIDENCE, "NO_DIGEST", words)
    rows = _rows(digests, question.subscription, settings_ or settings())
    silent = [each for each in digests if each not in {str(row.get("digest", "")).lower() for row in rows}]
    if silent:
        words = f"Defender says nothing yet of {', '.join(each[:19] + '…' for each in silent)}: it is not scanned"
        return GateAnswer(Outcome.NOT_ENOUGH_EVIDENCE, "DEFENDER_NOT_SCANNED", words)
    found: Counter[str] = Counter()
    for row in rows:
        if str(row.get("code", "")).lower() == "unhealthy":
            found[str(row.get("severity", "")).lower() or "unknown"] += int(row.get("findings", 0))
    return _judged(found, question.gate.settings["max"])


def _judged(found: Counter[str], limits: dict[str, int]) -> GateAnswer:
    told = ", ".join(f"{severity} {found[severity]} of {most} allowed" for severity, most in limits.items())
    facts = {"findings": dict(found), "allowed": limits}
    if any(found[severity] > most for severity, most in limits.items()):
        return GateAnswer(Outcome.FAILED, "VULNERABILITIES_TOO_MANY", f"Defender has found: {told}", facts)
    return GateAnswer(Outcome.PASSED, "", told, facts)


def _rows(digests: list[str], subscription: str, settings_: Settings) -> list[dict[str, Any]]:
    listed = ", ".join(f'"{digest}"' for digest in digests)
    query = _QUERY.format(images=IMAGES, digests=listed)
    body = {"query": query, "options": {"resultFormat": "objectArray"}}
    try:
        told = Arm(settings_, subscription).post(PATH, body, API_VERSION).body
    except AzureProblem as problem:
        if problem.fault.kind is not FaultKind.DENIED:
            raise
        words = f"{problem.fault.words}; it needs {NEEDS}"
        raise AzureProblem(replace(problem.fault, words=words)) from problem
    rows = told.get("data")
    if not isinstance(rows, list) or told.get("resultTruncated") == "true":
        raise unreadable("NoWholeAnswer")
    return [row for row in rows if isinstance(row, dict)]
