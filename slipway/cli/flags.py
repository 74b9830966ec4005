"""`slipway flags`: feature flags, the ones that are stale, and the kill switch."""

from typing import Annotated
from urllib.parse import quote

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from slipway.cli.api_answers import Flag, Flags
from slipway.cli.connection import understood
from slipway.cli.options import AsJson, Url
from slipway.cli.printing import answer, clean
from slipway.cli.show import listing
from slipway.cli.sign_in import connect

app = typer.Typer(no_args_is_help=True, help="Feature flags: who has them, which are stale, and the kill switch.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The flag's name in App Configuration.")]
Label = Annotated[str | None, typer.Option("--label", help="Its label; else the only flag of that name.")]


@app.command("list")
def list_flags(url: Url = None, as_json: AsJson = False) -> None:
    """List every feature flag: who has it, who answers for it, until when it is needed."""
    _list("/api/flags", "No flag yet.", url, as_json)


@app.command()
def stale(url: Url = None, as_json: AsJson = False) -> None:
    """List the flags that nobody needs any more, or that nobody answers for, and why."""
    _list("/api/flags/stale", "No flag is stale.", url, as_json)


@app.command()
def off(
    name: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why; goes into the audit record and onto the flag.")],
    label: Label = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Switch a flag off for everybody, now; no release brings it back until it is lifted."""
    body = {"reason": reason} | ({"label": label} if label is not None else {})
    document = connect(url).post(f"/api/flags/{quote(name, safe='')}/off", body)
    lift = f"slipway flags lift {name}" + (f" --label {label}" if label else "")
    took = f"  in {document['took_ms']} ms; applications follow when they read it next"
    answer(document, Text(clean(f"✓ {document['words']}\n{took}\n  {lift}")), as_json)


@app.command()
def lift(name: Name, label: Label = None, url: Url = None, as_json: AsJson = False) -> None:
    """Let releases ramp a flag again that somebody switched off. It stays off until one does."""
    document = connect(url).delete(f"/api/flags/{quote(name, safe='')}/off", label=label)
    answer(document, Text(clean(f"✓ {document['words']}")), as_json)


def _list(path: str, nothing: str, url: str | None, as_json: bool) -> None:
    api = connect(url)
    document = api.get(path)
    answer(document, _page(understood(Flags, document).flags, nothing), as_json)


def _page(found: list[Flag], nothing: str) -> RenderableType:
    if not found:
        return Text(nothing)
    table = listing("flag", "label", "users", "owner", "until", "changed by")
    for each in found:
        table.add_row(
            Text(clean(each.name), style="bold"),
            Text(clean(each.label), style="dim"),
            _users(each),
            Text(clean(each.owner)),
            Text(clean(each.expires)),
            Text(clean(", ".join(each.services))),
        )
    notes = [Text(clean(f"! {_where(each)}: switched off by {each.off}"), "yellow") for each in found if each.off]
    compared = [each for each in found if each.compared and not each.off]
    notes += [Text(clean(f"  {_where(each)}: {each.compared}"), "dim") for each in compared]
    notes += [Text(clean(f"! {_where(each)}: {'; '.join(each.stale)}"), "yellow") for each in found if each.stale]
    return Group(table, *notes)


def _where(flag: Flag) -> str:
    return f"{flag.name} ({flag.label})" if flag.label else flag.name


def _users(flag: Flag) -> Text:
    if flag.share is None:
        return Text("?", style="dim")
    return Text(f"{100 * flag.share:g} %", style="green" if flag.share >= 1 else "dim" if not flag.share else "blue")
