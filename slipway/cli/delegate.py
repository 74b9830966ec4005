"""`slipway delegate`, `delegations`, `undelegate`: who may approve in whose place, until when."""

from typing import Annotated
from urllib.parse import quote

import typer
from rich.text import Text

from slipway.cli.api_answers import Delegation, Delegations
from slipway.cli.connection import understood
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.moments import spoken
from slipway.cli.options import AsJson, Url
from slipway.cli.printing import answer, clean
from slipway.cli.show import listing
from slipway.cli.sign_in import connect
from slipway.cli.times import until as ends


def delegate(
    to: Annotated[str, typer.Option("--to", help="Whom: a login, a name, an author's name, or an object id.")],
    until: Annotated[str, typer.Option("--until", help="Until when: 2026-12-24T08:00Z, or a day, at 0:00 UTC.")] = "",
    lasts: Annotated[str, typer.Option("--for", help="Instead of --until, how long: 8h, 14d.")] = "",
    environment: Annotated[str, typer.Option("--environment", help="Only there.")] = "",
    service: Annotated[str, typer.Option("--service", help="Only of this service.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; goes into the audit record.")] = "",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Let somebody else approve in your place for a while."""
    if bool(until) == bool(lasts):
        raise Failure("USAGE", "say when it ends: either --until or --for", ExitCode.USAGE)
    end = {"for": lasts} if lasts else {"until": until if "T" in until else f"{until}T00:00:00Z"}
    body = {"to": to, "environment": environment, "service": service, "reason": reason, **end}
    api = connect(url)
    document = api.post("/api/delegations", body)
    words = clean(spoken(str(document["words"]), api.now()))
    answer(document, Text(f"✓ {words}\n  slipway undelegate {document['id']}"), as_json)


def delegations(url: Url = None, as_json: AsJson = False) -> None:
    """List who may approve in whose place now."""
    api = connect(url)
    document = api.get("/api/delegations")
    found = understood(Delegations, document).delegations
    if not found:
        answer(document, Text("Nobody approves in another's place now."), as_json)
        return
    table = listing("id", "who", "in the place of", "where", "until", "why")
    for each in found:
        row = (each.id, each.to, each.by, _where(each), ends(each.until, api.now()).removeprefix("until "), each.reason)
        table.add_row(*(Text(clean(cell)) for cell in row))
    answer(document, table, as_json)


def undelegate(
    id: Annotated[str, typer.Argument(metavar="ID", help="As `delegate` and `delegations` told.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """End a delegation now; votes that were cast stay."""
    document = connect(url).delete(f"/api/delegations/{quote(id, safe='')}")
    answer(document, Text(f"✓ {clean(str(document['words']))}"), as_json)


def _where(each: Delegation) -> str:
    return " of ".join(filter(None, (each.environment, each.service))) or "everywhere"
