"""What code hosts are told of a stage: where they are, and its state in five words that each of them can say."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from slipway.promotion.outcomes import Outcome
from slipway.promotion.stage_phases import NEEDS, ROLLED_BACK, STATE_OF_PHASE


class ReportState(StrEnum):
    """`gone`: nothing of the build is there (any more), and nobody says that it was bad."""

    WAITING = "waiting"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    BROKEN = "broken"
    GONE = "gone"


@dataclass(frozen=True)
class GitHubRepository:
    """`secret` is the name of a token in the key vault."""

    repository: str
    secret: str

    @property
    def where(self) -> str:
        return f"GitHub, {self.repository}"


@dataclass(frozen=True)
class AzureRepository:
    """A repository of Azure DevOps, which knows our managed identity."""

    organization: str
    project: str
    repository: str

    @property
    def where(self) -> str:
        return f"Azure DevOps, {self.organization}/{self.project}/{self.repository}"


CodeHost = GitHubRepository | AzureRepository


@dataclass(frozen=True)
class StageReport:
    """A stage as it is now. `url` leads to its promotion; empty where nobody knows the address."""

    promotion: str
    service: str
    version: str
    commit: str
    stage: str
    environment: str
    state: ReportState
    words: str
    url: str = ""


_ENDS = {
    str(Outcome.PASSED): ReportState.PASSED,
    str(Outcome.FAILED): ReportState.FAILED,
    str(Outcome.BROKEN): ReportState.BROKEN,
    str(Outcome.NOT_ENOUGH_EVIDENCE): ReportState.BROKEN,
    str(Outcome.CANCELLED): ReportState.GONE,
    ROLLED_BACK: ReportState.GONE,
}


def state_of(row: Mapping[str, Any]) -> ReportState | None:
    """Of a stage's row in the read model; None while there is nothing to tell: it waits for other stages."""
    state = str(row["state"])
    if state in _ENDS:
        return _ENDS[state]
    if state == STATE_OF_PHASE[NEEDS]:
        return None
    return ReportState.WAITING if state.startswith("waiting") else ReportState.RUNNING


def stage_report(promotion: Mapping[str, Any], row: Mapping[str, Any], site: str) -> StageReport | None:
    """The report of a stage by its row and its promotion's; None while there is nothing to tell. `site` is the address
    of Slipway, or empty."""
    state = state_of(row)
    if state is None:
        return None
    version, environment = promotion["version"], row["environment"]
    said = {
        ReportState.WAITING: f"{version} waits for {row['waits_for'] or environment}",
        ReportState.RUNNING: f"{version} is on its way to {environment}",
    }
    return StageReport(
        promotion=promotion["id"],
        service=promotion["service"],
        version=version,
        commit=promotion["commit"],
        stage=row["name"],
        environment=environment,
        state=state,
        words=said.get(state) or row["words"] or f"{version}: {row['state']}",
        url=f"{site}/api/promotions/{promotion['id']}" if site else "",
    )
