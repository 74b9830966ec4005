"""What users met, from a Log Analytics workspace (azure-monitor-query; REST `POST /v1/$batch`).

All queries of a question travel as one batch: one request, and each query has an error of its own, which a `union`
of them would not have. What cannot be asked or read gives windows with a fault; nothing is judged on part of an answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from slipway.adapters.azure_errors import AzureProblem, explain
from slipway.adapters.credentials import credential
from slipway.adapters.denied import PRINTS
from slipway.adapters.once import once_per_process
from slipway.adapters.telemetry.assembly import Seen, assemble, blocks_of, versions_of
from slipway.adapters.telemetry.kql import Parameters, Success, packaged
from slipway.adapters.telemetry.rows import (
    Table,
    UnusableRows,
    read_cohorts,
    read_first_seen,
    read_latencies,
    read_own,
    read_served,
)
from slipway.promotion.flags.document import OFF, ON
from slipway.promotion.judge.windows import Window
from slipway.promotion.rights.catalogue import LOGS
from slipway.promotion.telemetry import BUILTIN, Cohort, Cohorts, CohortsQuestion, Question
from slipway.settings import Settings, settings

if TYPE_CHECKING:
    from azure.monitor.query import LogsQueryClient

# The audience is Azure's own, whatever endpoint answers.
AUDIENCE = "https://api.loganalytics.io"
# An activity must not block: no more than 25 s in all, and no second try. A window that was missing is asked for again.
CONNECT_S, READ_S, SERVER_S = 5.0, 20.0, 15
# A user who met a failure longer ago than that counts again: one query must not read a month.
LONGEST_LOOK_BACK = timedelta(hours=24)
_BY_USER = {True: "flag_users", False: "flag_history"}
_DENIED = {"InsufficientAccessError", "Forbidden", "AuthorizationFailed", "AuthorizationFailedError"}


class NoTelemetry(Exception):
    """A query was not answered, or not in full; the text says which one and why."""


@dataclass(frozen=True)
class Query:
    """One of a batch: its name for people, its KQL, and the parameters for it."""

    name: str
    kql: str
    about: Parameters

    @property
    def text(self) -> str:
        """What is sent. Raises NoTelemetry for a name that no query can hold."""
        try:
            return self.about.before(self.kql)
        except ValueError as error:
            raise NoTelemetry(str(error)) from error


class AzureMonitorLogs:
    """`Telemetry` on Log Analytics."""

    def __init__(self, settings_: Settings | None = None) -> None:
        self._settings = settings_ or settings()

    def windows(self, question: Question) -> list[Window]:
        if not question.spans:
            return []
        try:
            return assemble(question, self._seen(question))
        except (NoTelemetry, AzureProblem) as problem:
            return [Window(span.tick, fault=f"telemetry: {problem}") for span in question.spans]

    def cohorts(self, question: CohortsQuestion) -> Cohorts:
        query = cohorts_query(question)
        try:
            (table,) = self._answers(question.source.workspace, [query])
            found = read_cohorts(table)
        except (NoTelemetry, AzureProblem, UnusableRows) as problem:
            return Cohorts(fault=f"telemetry: {problem}")
        return Cohorts(found.get(OFF, Cohort()), found.get(ON, Cohort()))

    def _seen(self, question: Question) -> Seen:
        queries = queries_of(question)
        tables = dict(zip(queries, self._answers(question.source.workspace, list(queries.values())), strict=True))

        def read(key: str, rows: Callable[[Table], list[Any]]) -> list[Any]:
            try:
                return rows(tables[key])
            except UnusableRows as unusable:
                raise NoTelemetry(f"{queries[key].name} cannot be used: {unusable}") from unusable

        return Seen(
            served=read("served", read_served),
            latencies=read("latencies", read_latencies) if "latencies" in queries else None,
            own={name: read(f"own {name}", read_own) for name, _ in question.source.metrics},
            first_seen=read("first seen", read_first_seen) if "first seen" in queries else (),
        )

    def _answers(self, workspace: str, queries: Sequence[Query]) -> list[Table]:
        """A table for each query. Raises NoTelemetry, AzureProblem."""
        from azure.core.exceptions import AzureError
        from azure.monitor.query import LogsBatchQuery

        batch = [
            LogsBatchQuery(
                workspace, each.text, timespan=(each.about.sees_from, each.about.ends), server_timeout=SERVER_S
            )
            for each in queries
        ]
        statuses: list[int] = []
        try:
            results = logs_client(self._settings).query_batch(
                batch, raw_response_hook=lambda response: statuses.append(response.http_response.status_code)
            )
        except AzureError as error:
            raise AzureProblem(explain(error, LOGS)) from error
        except (KeyError, TypeError, ValueError) as error:  # what the SDK raises for bodies that are not the API's
            status = f"HTTP {statuses[-1]}" if statuses else ""
            raise NoTelemetry(f"the workspace answered {status} in a form that cannot be read ({error!r})") from error
        if len(results) != len(queries):
            raise NoTelemetry(f"{len(queries)} queries were asked, {len(results)} answered")
        return [_table(query, result) for query, result in zip(queries, results, strict=True)]


def queries_of(question: Question) -> dict[str, Query]:
    """The queries that a question takes, by key."""
    source, begins, ends = question.source, question.spans[0].begins, question.spans[-1].ends
    span = question.spans[0].ends - begins
    ticks = Parameters(begins, ends, source.role, versions_of(question), span)
    if question.flagged is not None:
        from_then = max(question.since or begins, begins - LONGEST_LOOK_BACK) if question.canary else begins
        users = replace(ticks, since=min(from_then, begins), flagged=question.flagged)
        return {"served": Query("the query for users", packaged(_BY_USER[bool(question.canary)]), users)}
    blocks = replace(ticks, bins=blocks_of(question))
    queries = {"served": Query("the query", _kql(source.query, "requests"), blocks)}
    if question.latencies:
        queries["latencies"] = Query("the latency query", _kql(source.latency_query, "latencies"), ticks)
    for name, text in source.metrics:
        queries[f"own {name}"] = Query(f"the query of metric {name}", text, ticks)
    if question.canary and question.since and question.warm_up_s:
        since = replace(ticks, begins=question.since, versions=(question.canary,))
        queries["first seen"] = Query("the query for first requests", packaged("first_seen"), since)
    return queries


def cohorts_query(question: CohortsQuestion) -> Query:
    """Who of a comparison's users succeeded."""
    begins, ends = question.begins, question.ends
    about = Parameters(begins, ends, question.source.role, (), max(ends - begins, timedelta(microseconds=1)))
    success = Success(question.event, question.request, question.testers)
    about = replace(about, flagged=question.flagged, success=success)
    return Query("the query for users who succeeded", packaged("flag_cohorts"), about)


def _kql(asked: str, file: str) -> str:
    return packaged(file) if asked == BUILTIN else asked


def _table(query: Query, result: Any) -> Table:
    """The only table of a whole answer. Raises NoTelemetry."""
    if (partial := getattr(result, "partial_error", None)) is not None:
        raise NoTelemetry(f"{query.name} was answered in part only, which is not judged ({_said(partial)})")
    if (tables := getattr(result, "tables", None)) is None:
        needs = f"; our identity lacks {' or '.join(LOGS.actions)}; {PRINTS}" if _denied(result) else ""
        raise NoTelemetry(f"{query.name} was not answered{needs} ({_said(result)})")
    if not tables:
        raise NoTelemetry(f"{query.name} was answered without a table")
    return Table(tables[0].columns, [list(row) for row in tables[0].rows])


def _denied(result: Any) -> bool:
    return getattr(result, "code", "") in _DENIED


def _said(error: Any) -> str:
    return " ".join(f"{error.code}: {error.message}".split())[:600]


@once_per_process
def logs_client(settings_: Settings) -> "LogsQueryClient":
    """The client of this process: what it asks is asked once, and soon answered."""
    from azure.monitor.query import LogsQueryClient

    return LogsQueryClient(
        credential(settings_.client_id),
        endpoint=settings_.logs_endpoint,
        audience=AUDIENCE,
        connection_timeout=CONNECT_S,
        read_timeout=READ_S,
        retry_total=0,
        **settings_.client_options,
    )
