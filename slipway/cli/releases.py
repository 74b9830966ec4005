"""`slipway releases`: the ledger of a service in an environment."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from slipway.cli.connection import service_path, understood
from slipway.cli.environment_answers import Kept, Ledger
from slipway.cli.looks import look
from slipway.cli.moments import spoken
from slipway.cli.options import AsJson, Url
from slipway.cli.printing import answer, clean
from slipway.cli.show import listing
from slipway.cli.sign_in import connect
from slipway.cli.times import ago, between, until
from slipway.promotion.reach import NONE


def releases(
    environment: Annotated[str, typer.Argument(metavar="ENV", help="Such as production.")],
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="Such as checkout.")],
    top: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 20,
    after: Annotated[str | None, typer.Option(help="Go on where an earlier list ended.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List what was live in an environment, newest first: since when, for how long, and how it ended."""
    api = connect(url)
    document = api.get(service_path(environment, service), top=top, after=after)
    found = understood(Ledger, document)
    shown = {"releases": document["releases"], "after": found.after}
    if "reach" in document:
        shown["reach"] = document["reach"]
    answer(shown, _ledger(found, api.now(), f"slipway releases {environment} {service}"), as_json)


def _ledger(found: Ledger, now: datetime, command: str) -> RenderableType:
    more = [Text(f"more: {clean(command)} --after {clean(found.after)}", "dim")] if found.after else []
    if not found.releases:
        return Group(Text("No release."), *more)
    more_than_code = any(each.configuration or each.changed_flags for each in found.releases)
    beside = ["with it"] if more_than_code else []
    page = listing("release", "state", "live since", "for", *beside, "how it ended")
    for each in found.releases:
        *first, last = _row(each, now)
        page.add_row(*first, *([Text(clean(_beside(each)), "dim")] if more_than_code else []), last)
    return Group(page, *_reach(found, now), *more)


def _reach(found: Ledger, now: datetime) -> Iterator[Text]:
    """Where a rollback would lead now, and how fast."""
    reach = found.reach
    if reach is None or not reach.version:
        return
    how = "cannot be gone back to" if reach.how == NONE else f"is {reach.how} away"
    ends = f" {until(reach.until, now)}" if reach.until else ""
    yield Text(clean(f"way back: {reach.version} {how}{ends}; {spoken(reach.words, now)}"), "dim")
    if reach.brings:
        left = f"; not {', '.join(reach.leaves)}" if reach.leaves else ""
        yield Text(clean(f"a rollback would bring back: {'; '.join(reach.brings)}{left}"), "dim")


def _row(each: Kept, now: datetime) -> tuple[Text, ...]:
    shown = look(each.state)
    return (
        Text(clean(each.version), style="bold"),
        Text(f"{shown.icon} {each.state}", style=shown.style),
        Text(ago(each.since, now), style="dim"),
        Text(between(each.since, each.until or now), style="dim"),
        Text(clean(spoken(_end(each, now), now))),
    )


def _beside(each: Kept) -> str:
    """What belongs to the release beside its code."""
    fixed = each.configuration
    settings = [f"configuration {fixed.label} ({fixed.settings}, {fixed.fingerprint[:12]})"] if fixed else []
    return ", ".join([*settings, *(f"flag {flag.name} {flag.now}" for flag in each.changed_flags)])


def _end(each: Kept, now: datetime) -> str:
    if each.replaced_by:
        return f"by {each.replaced_by}"
    if each.words:
        return f"{each.by}: {each.words}" if each.by and each.by != "slipway" else each.words
    if each.back_since:
        return f"serves again since {ago(each.back_since, now)}"
    return f"came with {each.promotion}" if each.group else ""
