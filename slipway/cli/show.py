"""`slipway list`, `status`, `environments`: what is where, and what it waits for."""

import shlex
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from slipway.cli.api_answers import STATES, Promotion, Promotions, Summary
from slipway.cli.connection import promotion_path, understood
from slipway.cli.environment_answers import Environment, Environments, ServiceThere
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.live_tree import Detail, tree
from slipway.cli.looks import look
from slipway.cli.moments import spoken
from slipway.cli.options import AsJson, PromotionId, Url
from slipway.cli.printing import answer, clean
from slipway.cli.sign_in import connect
from slipway.cli.times import ago, until
from slipway.cli.watch import follow
from slipway.promotion.pipeline.findings import nearest

BEFORE_FIRST = "the release before Slipway's first"


def list_promotions(
    service: Annotated[str | None, typer.Option(help="Only this service's.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state, such as waiting.")] = None,
    top: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 20,
    after: Annotated[str | None, typer.Option(help="Go on where an earlier list ended.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List promotions, newest first."""
    if state is not None and state not in STATES:
        meant = nearest(state, STATES)
        words = f"{state!r} is no state of a promotion; it can be {', '.join(STATES)}"
        raise Failure("USAGE", words + (f"; did you mean {meant!r}?" if meant else ""), ExitCode.USAGE)
    api = connect(url)
    document = api.get("/api/promotions", service=service, state=state, top=top, after=after)
    found = understood(Promotions, document)
    asked = {"--service": service, "--state": state}
    filters = "".join(f" {option} {shlex.quote(value)}" for option, value in asked.items() if value)
    answer(document, _promotions(found, api.now(), filters, after is not None), as_json)


def status(
    promotion: PromotionId,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Stay until it is over, exit 6 unless it passed.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Like --watch, but show only the end.")] = False,
    every_step: Annotated[bool, typer.Option("--all", help="Every step of every stage.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show a promotion as a tree of its stages: how far it is, and what it waits for."""
    api = connect(url)
    detail = Detail.STEPS if every_step else Detail.ACTIVE
    if watch or wait:
        follow(api, promotion, detail=detail, as_json=as_json, quiet=wait and not watch)
        return
    document = api.get(promotion_path(promotion))
    shown = understood(Promotion, document)
    answer(document, tree(shown, api.now(), detail), as_json)


def environments(url: Url = None, as_json: AsJson = False) -> None:
    """Show what is live in every environment, and what is on its way there."""
    api = connect(url)
    document = api.get("/api/environments")
    found = understood(Environments, document)
    answer(document, _environments(found.environments, api.now()), as_json)


def _promotions(found: Promotions, now: datetime, filters: str, further: bool) -> RenderableType:
    """The page as a table; `filters` are the options that chose from it, `further` says it is not the first."""
    more = [Text(f"more: slipway list{clean(filters)} --after {clean(found.after)}", "dim")] if found.after else []
    if not found.promotions:
        return Group(Text(_nothing(clean(filters), further, bool(more))), *more)
    table = listing("promotion", "state", "started", "waits for")
    for each in found.promotions:
        table.add_row(*_row(each, now))
    return Group(table, *more)


def _nothing(filters: str, further: bool, more: bool) -> str:
    """Why a page is empty; the server looks at many promotions for one, and stops after a while."""
    if more:
        return f"None matches{filters} so far."
    if filters:
        return f"{'None of the rest' if further else 'No promotion'} matches{filters}."
    return "No further promotion." if further else "No promotion yet. `slipway submit checkout 1.1.0` sends a build."


def _row(each: Summary, now: datetime) -> tuple[Text, ...]:
    shown = look(each.state)
    return (
        Text(clean(each.id), style="bold"),
        Text(f"{shown.icon} {each.state}", style=shown.style),
        Text(ago(each.started_at, now) if each.started_at else "", style="dim"),
        Text(clean(spoken(each.waits_for or "", now))),
    )


def _environments(found: list[Environment], now: datetime) -> RenderableType:
    if not any(each.services for each in found):
        return Text("Nothing was released yet. `slipway submit checkout 1.1.0` sends a build.")
    table = listing("environment", "service", "live", "since", "on its way")
    for each in found:
        for service in each.services:
            table.add_row(
                Text(clean(each.environment), style="bold"),
                Text(clean(service.service)),
                _live(service),
                Text(ago(service.live.at, now) if service.live and service.live.at else "", style="dim"),
                _on_its_way(service),
            )
    places = [(each.environment, service) for each in found for service in each.services]
    return Group(table, *(line for place in places for line in (*_asked(*place, now), *_kept_out(*place, now))))


def _asked(environment: str, service: ServiceThere, now: datetime) -> Iterator[Text]:
    """Whom the release on its way waits for before its switch; it keeps others out meanwhile."""
    coming = service.on_its_way
    if coming and coming.waits_for:
        ends = f", {until(coming.until, now)}" if coming.until else ""
        words = f"? {service.service} {coming.version} in {environment} waits for {coming.waits_for}{ends}"
        yield Text(clean(words), "magenta")
        yield Text(clean(f"  slipway approve {coming.promotion} {coming.stage}"), "dim")


def _kept_out(environment: str, service: ServiceThere, now: datetime) -> Iterator[Text]:
    """Why nothing goes there, and how that ends: a lock that is broken, holds that are in force, rejected versions."""
    if service.broken:
        yield Text(clean(f"! {service.service} in {environment} is broken: {spoken(service.broken.words, now)}"), "red")
        yield Text(clean(f"  once somebody has looked: slipway lift {environment}.{service.service}.broken"), "dim")
    for hold in service.holds:
        if hold.expires_at > now:
            kept = f"{service.service} is held out of {environment} by {hold.by}, {until(hold.expires_at, now)}"
            yield Text(clean(f"! {kept}: {hold.reason}"), "yellow")
            yield Text(clean(f"  slipway lift {hold.id}"), "dim")
    for said in service.intents:
        if said.state == "in force" and said.kind != "hold" and said.expires_at > now:
            kept = f"{service.service} in {environment}: {spoken(said.words, now)}, {until(said.expires_at, now)}"
            yield Text(clean(f"! {kept}"), "yellow")
            yield Text(clean(f"  slipway lift {said.id}"), "dim")
    for each in service.rejected:
        yield Text(
            clean(f"! {service.service} {each.version} was rejected in {environment}: {spoken(each.words, now)}"),
            "yellow",
        )
        yield Text(clean(f"  slipway lift {environment}.{service.service}.rejected-{each.version}"), "dim")


def _live(service: ServiceThere) -> Text:
    if service.live is None:  # the lock knows what Slipway released, and nobody what a broken one left there
        return Text("?" if service.broken else BEFORE_FIRST, style="dim")
    proven = "" if service.live.proven else " unproven"
    return Text.assemble(clean(service.live.version), (proven, "yellow"))


def _on_its_way(service: ServiceThere) -> Text:
    if service.broken:
        return Text("! broken", style="red")
    parts = []
    if service.on_its_way:
        parts.append(f"» {service.on_its_way.version}")
    parts += [f"… {waiting.version} waits" for waiting in service.waiting]
    return Text(clean(", ".join(parts)), style="blue")


def listing(*heads: str) -> Table:
    """A page of rows under small heads."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    return table
