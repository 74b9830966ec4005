"""`slipway dlq`: messages that lie aside, and back with them. What is in one was written by somebody else: its control
characters are shown as what they are, and move nobody's cursor."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from slipway.cli.api_answers import Rejected, RejectedPage
from slipway.cli.connection import understood
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.options import AsJson, Url
from slipway.cli.printing import answer, clean
from slipway.cli.show import listing
from slipway.cli.sign_in import connect
from slipway.cli.times import ago

app = typer.Typer(no_args_is_help=True, help="Messages that lie aside: rejected builds and dead letters.")

MessageId = Annotated[str, typer.Argument(metavar="ID", help="As the list names it, such as builds-rejected.12.")]
Source = Annotated[
    str | None, typer.Option(help="Only those of builds-rejected, builds (dead letters) or reports (dead letters).")
]


@app.command("list")
def list_messages(
    source: Source = None,
    top: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 20,
    after: Annotated[str | None, typer.Option(help="The id after which the next page begins.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List the messages that lie aside, each with its reason."""
    api = connect(url)
    document = api.get("/api/rejected", source=source, top=top, after=after)
    page = understood(RejectedPage, document)
    if not page.messages:
        answer(document, Text("Nothing lies aside."), as_json)
        return
    table = listing("id", "since", "code", "reason")
    for each in page.messages:
        back = f"put back by {each.resubmitted_by}: " if each.resubmitted_by else ""
        since = Text(ago(each.at, api.now()), "dim")
        table.add_row(Text(clean(each.id), "bold"), since, Text(clean(each.code)), Text(clean(back + each.reason)))
    more = [Text(f"  more: slipway dlq list --after {clean(page.after)}", "dim")] if page.after else []
    answer(document, Group(table, *more), as_json)


@app.command()
def show(message: MessageId, url: Url = None, as_json: AsJson = False) -> None:
    """Show one of them whole."""
    api = connect(url)
    document = api.get(f"/api/rejected/{quote(message, safe='')}")
    found = understood(Rejected, document)
    answer(document, _shown(found, ago(found.at, api.now())), as_json)


@app.command()
def resubmit(
    message: MessageId,
    body: Annotated[
        Path | None, typer.Option("--body", metavar="FILE", help="Put what is in the file in the place of its body.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Put one back where it came from, once: as it is, or with another body."""
    asked = {} if body is None else {"body": _read(body)}
    document = connect(url).post(f"/api/rejected/{quote(message, safe='')}/resubmit", asked)
    left = "" if document["taken_away"] else "\n  it still lies aside for now; the list says that it was put back"
    answer(document, Text(clean(f"✓ {document['words']}") + left), as_json)


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure("USAGE", f"{file} cannot be read: {error}", ExitCode.USAGE) from error


def _shown(found: Rejected, since: str) -> RenderableType:
    about = {"reason": f"{found.reason} ({found.code})", "since": since, "message": found.message_id}
    about |= {"delivered": f"{found.deliveries} times"} if found.deliveries else {}
    about |= {"put back": f"by {found.resubmitted_by}"} if found.resubmitted_by else {}
    size = f"{found.size} bytes" + (", cut" if found.cut else "")
    lines = [Text(clean(found.id), "bold")]
    lines += [Text.assemble((f"  {name:10}", "dim"), clean(words)) for name, words in about.items() if words]
    return Group(*lines, Text(f"  {'body':10}{size}", "dim"), Text(escaped(found.body)))


def escaped(body: str) -> str:
    """A body as it can be looked at: lines stay lines, everything else that is not printed is written as Python would
    write it."""
    return "\n".join(
        "".join(letter if letter.isprintable() or letter == "\t" else repr(letter)[1:-1] for letter in line)
        for line in body.split("\n")
    )
