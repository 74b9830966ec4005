"""`slipway submit`: say that a build is finished, as CI does."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from rich.text import Text

from slipway.cli.connection import understood
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.options import AsJson, Url
from slipway.cli.printing import answer, clean
from slipway.cli.sign_in import connect
from slipway.cli.watch import follow


class _Accepted(BaseModel):
    promotion: str
    known: bool = False


def submit(
    context: typer.Context,
    service: Annotated[str | None, typer.Argument(metavar="SERVICE")] = None,
    version: Annotated[str | None, typer.Argument(metavar="VERSION")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", exists=True, dir_okay=False, help="Send this message as it is.")
    ] = None,
    branch: Annotated[str, typer.Option(help="Branch it was built from.")] = "main",
    author: Annotated[str | None, typer.Option(help="CI's name for who wrote it; bob on the laptop.")] = None,
    commit: Annotated[str | None, typer.Option(help="Commit; made up on the laptop when left out.")] = None,
    digest: Annotated[str | None, typer.Option(help="sha256:… of the artifact.")] = None,
    finished_at: Annotated[str | None, typer.Option(help="ISO 8601 with zone; now when left out.")] = None,
    result: Annotated[str, typer.Option(help="How the build ended.")] = "succeeded",
    member: Annotated[
        list[str] | None, typer.Option("--member", metavar="SERVICE=VERSION", help="Of a group: each member's version.")
    ] = None,
    hotfix: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Why it is one: it enters through freezes that except hotfixes."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Watch the promotion to its end.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Send the message that a build is finished: SERVICE VERSION, or --file."""
    if file is not None and service:
        words = f"both a build ({' '.join(filter(None, (service, version)))}) and --file were given: say one of them"
        raise Failure("USAGE", words, ExitCode.USAGE)
    if file is not None and (
        beside := _given(context, "branch", "author", "commit", "digest", "finished_at", "result", "member", "hotfix")
    ):
        raise Failure("USAGE", f"{beside} was given beside --file, which is sent as it is", ExitCode.USAGE)
    if file is None and not (service and version):
        raise Failure("USAGE", "say SERVICE and VERSION, or --file with a message", ExitCode.USAGE)
    members = _members(member or [])
    api = connect(url)
    if file is not None:
        message = _message_of(file)
    elif not api.on_this_machine and not (author and commit):
        raise Failure("USAGE", "say --author and --commit: only the laptop makes them up", ExitCode.USAGE)
    else:
        finished_at = finished_at or _written(api.asked_time())
        message = build_message(str(service), str(version), branch, author, commit, digest, finished_at, result)
        message |= {"members": members} if members else {}
        message |= {"hotfix": hotfix} if hotfix else {}
    document = api.post("/api/builds", message)
    accepted = understood(_Accepted, document)
    if not (wait and as_json):
        answer(document, _said(accepted), as_json)
    if wait:
        follow(api, accepted.promotion, as_json=as_json, appears_within_s=30)


def build_message(
    service: str,
    version: str,
    branch: str = "main",
    author: str | None = None,
    commit: str | None = None,
    digest: str | None = None,
    finished_at: str | None = None,
    result: str = "succeeded",
) -> dict[str, Any]:
    """Slipway's own build message. The same service and version make up the same commit."""
    message = {
        "service": service,
        "version": version,
        "commit": commit or hashlib.sha1(f"{service} {version}".encode(), usedforsecurity=False).hexdigest(),
        "branch": branch,
        "author": author or "bob@shop.example",
        "finished_at": finished_at or _written(datetime.now(UTC)),
        "result": result,
    }
    return message | ({"digest": digest} if digest else {})


def _members(given: list[str]) -> dict[str, str]:
    """`api=1.4.2` and its like, by service. Raises Failure."""
    members: dict[str, str] = {}
    for each in given:
        service, _, version = each.partition("=")
        if not (service and version):
            raise Failure("USAGE", f"--member {each}: write it as SERVICE=VERSION", ExitCode.USAGE)
        if service in members:
            raise Failure("USAGE", f"--member names {service} twice", ExitCode.USAGE)
        members[service] = version
    return members


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _given(context: typer.Context, *names: str) -> str:
    """Those of the options that were given, as they are typed."""
    sources = {name: context.get_parameter_source(name) for name in names}
    given = [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    return ", ".join(f"--{name.replace('_', '-')}" for name in given)


def _said(accepted: _Accepted) -> Text:
    promotion = clean(accepted.promotion)
    if accepted.known:
        return Text(
            f"· {promotion} is known: the build was taken in before, once is enough\n  slipway status {promotion}"
        )
    return Text(f"✓ the build is on the queue; follow it with\n  slipway status {promotion} --watch")


def _message_of(file: Path) -> dict[str, Any]:
    try:
        message = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Failure("USAGE", f"{file} holds no JSON: {error}", ExitCode.USAGE) from error
    if not isinstance(message, dict):
        raise Failure("USAGE", f"{file} holds no JSON object", ExitCode.USAGE)
    return message
