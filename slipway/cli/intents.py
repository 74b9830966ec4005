"""`slipway hold`, `freeze`, `stop`, `reject-version`, `lift`, `resume-all`, `intents`: what people say of a place."""

from typing import Annotated, Any
from urllib.parse import quote

import typer
from pydantic import BaseModel
from rich.console import Group
from rich.text import Text

from slipway.cli.connection import understood
from slipway.cli.moments import spoken
from slipway.cli.options import AsJson, Url
from slipway.cli.printing import answer, clean
from slipway.cli.sign_in import connect

Environment = Annotated[str, typer.Argument(metavar="ENVIRONMENT")]
Service = Annotated[str, typer.Argument(metavar="SERVICE")]
Reason = Annotated[str, typer.Option("--reason", help="Why; goes into the audit record.")]
Lasts = Annotated[str, typer.Option("--for", help="How long: 30m, 8h, 2d.")]


class _Intent(BaseModel):
    id: str
    kind: str = ""
    state: str = ""
    words: str = ""
    expires_at: str = ""
    places: list[str] = []


class _Intents(BaseModel):
    intents: list[_Intent]


def hold(
    environment: Environment, service: Service, reason: Reason, lasts: Lasts = "8h", url: Url = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Keep every build of a service out of an environment for a while."""
    place = {"environment": environment, "service": service}
    _tell({"kind": "hold", **place, "reason": reason, "for": lasts}, url, as_json)


def freeze(
    environment: Environment,
    service: Service,
    reason: Reason,
    lasts: Annotated[str | None, typer.Option("--for", help="How long: 8h, 2d; or say --until.")] = None,
    begins: Annotated[str | None, typer.Option("--from", help="ISO 8601 with zone; now when left out.")] = None,
    until: Annotated[str | None, typer.Option(help="ISO 8601 with zone.")] = None,
    hotfixes: Annotated[bool, typer.Option("--except-hotfixes", help="Builds that are hotfixes enter.")] = False,
    on_begin: Annotated[str, typer.Option(help="What a rollout does then: finish, pause, roll-back.")] = "finish",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Keep builds of a service out of an environment, from now or from a moment on."""
    body: dict[str, Any] = {"kind": "freeze", "environment": environment, "service": service, "reason": reason}
    times = {"for": lasts, "from": begins, "expires_at": until}
    body |= {key: value for key, value in times.items() if value} | {"on_begin": on_begin}
    _tell(body | ({"except": ["hotfix"]} if hotfixes else {}), url, as_json)


def reject_version(
    environment: Environment,
    service: Service,
    version: Annotated[str, typer.Argument(metavar="VERSION")],
    reason: Reason,
    lasts: Annotated[str | None, typer.Option("--for", help="How long; 90 days when left out.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Let a version into an environment no more; one that is on its way is taken back."""
    body = {"kind": "reject", "environment": environment, "service": service, "version": version, "reason": reason}
    _tell(body | ({"for": lasts} if lasts else {}), url, as_json)


def stop(
    reason: Reason,
    environment: Annotated[str | None, typer.Option(help="There alone; else everywhere.")] = None,
    service: Annotated[str | None, typer.Option(help="That one alone; else all.")] = None,
    lasts: Lasts = "24h",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Stop everything but ways back, until another person lifts it or it ends."""
    where = {"environment": environment, "service": service}
    body = {"kind": "stop", "reason": reason, "for": lasts}
    _tell(body | {key: value for key, value in where.items() if value}, url, as_json)


def lift(
    intent: Annotated[
        str, typer.Argument(metavar="ID", help="As it was told; ENV.SERVICE.broken or …rejected-VERSION.")
    ],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Lift what a person said, open a lock that a rollback left broken, or let a rejected version in again."""
    api = connect(url)
    document = api.delete(f"/api/intents/{quote(intent, safe='')}")
    words = document.get("words") if isinstance(document, dict) else None
    answer(document, Text(f"✓ {clean(spoken(str(words or f'{intent} is lifted'), api.now()))}"), as_json)


def resume_all(url: Url = None, as_json: AsJson = False) -> None:
    """Lift every stop that is in force. Those that one has said oneself are another person's to lift."""
    api = connect(url)
    stops = [each for each in understood(_Intents, api.get("/api/intents")).intents if each.kind == "stop"]
    lifted = [api.delete(f"/api/intents/{quote(each.id, safe='')}") for each in stops]
    told = [Text(f"✓ {clean(each.id)} is lifted") for each in stops] or [Text("nothing is stopped")]
    answer({"lifted": lifted}, Group(*told), as_json)


def intents(
    everything: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show what people said anywhere and counts, the strongest first."""
    api = connect(url)
    document = api.get("/api/intents", all="true" if everything else None)
    lines = []
    for each in understood(_Intents, document).intents:
        until = clean(spoken(f"{each.words}, until {each.expires_at}", api.now()))
        places = ", ".join(each.places[:3]) + (f" and {len(each.places) - 3} more" if len(each.places) > 3 else "")
        lines += [
            Text(f"{clean(each.state)}: {until}"),
            Text(f"  {clean(places)}  slipway lift {clean(each.id)}", "dim"),
        ]
    answer(document, Group(*(lines or [Text("nobody has said anything that counts")])), as_json)


def _tell(body: dict[str, Any], url: str | None, as_json: bool) -> None:
    api = connect(url)
    document = api.post("/api/intents", body)
    words = clean(spoken(str(document["words"]), api.now()))
    answer(document, Text(f"✓ {words}\n  slipway lift {document['id']}"), as_json)
