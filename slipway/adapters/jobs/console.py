"""What an execution of a job has printed, from Log Analytics.

An environment sends it to one of two tables, by its log destination: both are asked, in one batch, and the one that is
there answers. The log comes late (20 s to 3 min ◇) or never; nothing is decided by its absence.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.azure_errors import explain
from slipway.adapters.telemetry.logs import SERVER_S, logs_client
from slipway.settings import Settings

TAIL = 2000  # characters
_LINES = 200
# Table, column of the execution's replica (its name begins with the execution's), column of the line.
_TABLES = (
    ("ContainerAppConsoleLogs_CL", "ContainerGroupName_s", "Log_s"),
    ("ContainerAppConsoleLogs", "ContainerGroupName", "Log"),
)


@dataclass(frozen=True)
class Log:
    """The end of it, empty while nothing has come; `problem` says why it could not be asked for."""

    tail: str = ""
    problem: str = ""


def log_of(settings_: Settings, workspace: str, execution: str, since: datetime) -> Log:
    """The log of that execution. Raises nothing for what Azure says."""
    from azure.core.exceptions import AzureError
    from azure.monitor.query import LogsBatchQuery

    if not workspace:
        return Log(problem="no workspace is named where it would be")
    if not execution.replace("-", "").isalnum():
        return Log(problem=f"{execution} is no name of an execution")
    span = (since - timedelta(minutes=1), clock.now() + timedelta(minutes=1))
    asked = [
        LogsBatchQuery(workspace, _kql(*each, execution), timespan=span, server_timeout=SERVER_S) for each in _TABLES
    ]
    try:
        found = logs_client(settings_).query_batch(asked)
        return _newest(list(found))
    except AzureError as error:
        return Log(problem=explain(error).words)
    except (KeyError, TypeError, ValueError) as error:  # what the SDK raises for bodies that are not the API's
        return Log(problem=f"the workspace answered in a form that cannot be read ({error!r})")


def _kql(table: str, replica: str, line: str, execution: str) -> str:
    return (
        f'{table} | where {replica} startswith "{execution}" | top {_LINES} by TimeGenerated desc '
        f"| project TimeGenerated, {line}"
    )


def _newest(results: list[Any]) -> Log:
    tables = [table for each in results for table in getattr(each, "tables", None) or getattr(each, "partial_data", [])]
    lines = [str(row[1]) for table in tables for row in table.rows]
    if lines:
        return Log("\n".join(line.rstrip("\n") for line in lines[::-1])[-TAIL:])
    refused = [each for each in results if getattr(each, "tables", None) is None]
    if len(refused) == len(results):  # one of the tables is missing wherever the other is there
        return Log(problem="; ".join(f"{each.code}: {each.message}" for each in refused[:1]))
    return Log()
