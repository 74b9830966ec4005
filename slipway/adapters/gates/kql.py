"""A question to a Log Analytics workspace (azure-monitor-query; REST `POST /v1/workspaces/{id}/query`): are there rows?

The gate's own KQL is asked as it is written, with the names of the build in front as `let` statements.
"""

import json
from datetime import timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.azure_errors import AzureProblem, explain, unreadable
from slipway.adapters.telemetry.logs import ROLE, SERVER_S, logs_client
from slipway.promotion.gates.answer import GateAnswer
from slipway.promotion.gates.question import Question
from slipway.promotion.gates.rounds import GATE_UNMET
from slipway.promotion.outcomes import Outcome
from slipway.settings import Settings, settings

NONE = "none"


def ask(question: Question, settings_: Settings | None = None) -> GateAnswer:
    """Passed or failed (GATE_UNMET) by how many rows there are; broken KQL_REFUSED for a query that the workspace does
    not take. Raises AzureProblem for what may pass, or what we may not do."""
    from azure.core.exceptions import HttpResponseError

    chosen, told = settings_ or settings(), question.gate.settings
    workspace = told.get("workspace") or chosen.needed("workspace")
    ends = clock.now()
    try:
        answer = logs_client(chosen).query_workspace(
            workspace,
            f"{_names(question)}{told['query']}\n| count",
            timespan=(ends - timedelta(seconds=told["over"]), ends),
            server_timeout=SERVER_S,
        )
    except HttpResponseError as error:
        if error.status_code == 400:
            words = f"the workspace does not take the query: {_said(error)}"
            return GateAnswer(Outcome.BROKEN, "KQL_REFUSED", words)
        raise AzureProblem(explain(error, ROLE)) from error
    rows = _count(answer)
    met = (rows == 0) == (told["expect"] == NONE)
    words = f"{rows:,} rows of the last {told['over'] / 60:g} min, expected {told['expect']}"
    outcome, code = (Outcome.PASSED, "") if met else (Outcome.FAILED, GATE_UNMET)
    return GateAnswer(outcome, code, words, {"rows": rows, "expected": told["expect"]})


def _names(question: Question) -> str:
    """The build and its place, for the query. None of them holds anything but letters, digits and . _ + -."""
    build = question.build
    names = {"service": build.service, "version": build.version, "environment": question.environment}
    return "".join(f"let {name} = {json.dumps(value)};\n" for name, value in names.items())


def _count(answer: Any) -> int:
    """The one number of a whole answer. Raises AzureProblem: part of an answer is none."""
    tables = getattr(answer, "tables", None)
    if getattr(answer, "partial_error", None) is not None or not tables or not tables[0].rows:
        raise unreadable("NoWholeAnswer")
    return int(tables[0].rows[0][0])


def _said(error: Any) -> str:
    inner = getattr(getattr(error, "error", None), "message", "") or error.message
    return " ".join(str(inner).split())[:400]
