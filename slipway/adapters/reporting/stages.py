"""A stage's state, told to every code host that its pipeline names.

The state is that of the read model, not of the event that led here: events come late, twice and in any order, and what
is told is how it is now. Whoever told it looks once more: another one may have told an older state at the same time.
"""

from typing import TYPE_CHECKING

from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.once import once_per_process
from slipway.adapters.read_model import promotion_rows
from slipway.adapters.reporting.asking import NothingToTell, ReportFailed
from slipway.promotion.errors import SlipwayError
from slipway.promotion.reports import CodeHost, GitHubRepository, StageReport, stage_report
from slipway.settings import Settings, settings

if TYPE_CHECKING:
    from slipway.adapters.reporting.azure_devops import AzureDevOps
    from slipway.adapters.reporting.github import GitHub

LOOKS = 3


def tell_hosts(promotion: str, stage: str, settings_: Settings | None = None) -> list[str]:
    """Tell them, and return where. Raises ReportFailed: for good only where all that failed did so for good; and
    NothingToTell NO_COMMIT of a build without one, which is what hosts know it by."""
    chosen = settings_ or settings()
    told = None
    for _ in range(LOOKS):
        found = _found(promotion, stage, chosen)
        if found is None or found[0] == told:
            break
        told, hosts = found
        if not told.commit:
            words = f"{told.service} {told.version} names no commit, by which a code host would know it"
            raise NothingToTell("NO_COMMIT", words)
        _tell(hosts, told, chosen)
    return [host.where for host in found[1]] if found else []


def _found(promotion: str, stage: str, settings_: Settings) -> tuple[StageReport, tuple[CodeHost, ...]] | None:
    rows = promotion_rows(promotion)
    if not rows.keys() >= {"promotion", "pipeline", f"stage:{stage}"}:
        return None
    report = stage_report(rows["promotion"], rows[f"stage:{stage}"], settings_.site)
    return (report, hosts_of(str(rows["pipeline"]))) if report else None


def _tell(hosts: tuple[CodeHost, ...], report: StageReport, settings_: Settings) -> None:
    failures = []
    for host in hosts:
        try:
            _client(settings_, host).tell(report)
        except ReportFailed as failed:
            failures.append(failed)
        except AzureProblem as problem:
            failures.append(ReportFailed(f"{host.where}: {problem.words}", after_s=problem.fault.retry_after_s))
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            words = f"{host.where} answers what we do not understand: {type(error).__name__} {error}"
            failures.append(ReportFailed(words))
        except SlipwayError as error:  # its secret is not there, or not valid
            failures.append(ReportFailed(f"{host.where}: {error.words}", for_good=True))
    if failures:
        raise min(failures, key=lambda failed: failed.for_good)


def _client(settings_: Settings, host: CodeHost) -> "GitHub | AzureDevOps":
    from slipway.adapters.reporting.azure_devops import AzureDevOps
    from slipway.adapters.reporting.github import GitHub

    return GitHub(settings_, host) if isinstance(host, GitHubRepository) else AzureDevOps(settings_, host)


@once_per_process
def hosts_of(pipeline_text: str) -> tuple[CodeHost, ...]:
    """The hosts that a promotion's pipeline names, as it was when the promotion began."""
    from slipway.promotion.pipeline import PipelineInvalid, read_pipeline

    try:
        return tuple(each.host for each in read_pipeline(pipeline_text, "pipeline.yaml").report)
    except PipelineInvalid as error:
        raise ReportFailed(f"its pipeline cannot be read any more: {error}", for_good=True) from error
