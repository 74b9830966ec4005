"""`slipway roles`: pure, without any server."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from slipway.cli.failure import ExitCode, Failure
from slipway.cli.pipeline_files import pipeline_text
from slipway.cli.pipeline_needs import needs_of_text
from slipway.cli.printing import clean, out, print_json
from slipway.cli.roles import az, bicep, terraform
from slipway.promotion.pipeline import PipelineInvalid
from slipway.promotion.rights.grants import document, granted
from slipway.promotion.rights.role import Need


class Format(StrEnum):
    BICEP = "bicep"
    TERRAFORM = "terraform"
    AZ = "az"
    JSON = "json"


Files = Annotated[list[Path], typer.Argument(metavar="FILES", exists=True, dir_okay=False)]


def roles(
    files: Files,
    format: Annotated[Format, typer.Option(help="In which language.")] = Format.AZ,
    principal: Annotated[
        str, typer.Option(help="Object id of Slipway's identity; else a parameter of what is printed.")
    ] = "",
    at: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=ID", help="The id of what pipelines do not name, such as vault=/subscriptions/…"),
    ] = None,
    suffix: Annotated[str, typer.Option(help="Goes behind each role's name, which is unique in a tenant.")] = "",
) -> None:
    """Print the roles and assignments that exactly these pipelines need, on the narrowest scope, each with its reason.

    Give it all pipelines at once: what it prints is the whole of what Slipway may do to what it releases.
    """
    grants = granted(_needs(files), dict(map(_named, at or [])), suffix)
    match format:
        case Format.BICEP:
            typer.echo(bicep.template(grants, principal), nl=False)
        case Format.TERRAFORM:
            typer.echo(terraform.configuration(grants, principal), nl=False)
        case Format.AZ:
            typer.echo(az.script(grants, principal), nl=False)
        case Format.JSON:
            print_json(document(grants, principal))


def _needs(files: list[Path]) -> list[Need]:
    needs: list[Need] = []
    invalid = False
    for file in files:
        try:
            needs += needs_of_text(pipeline_text(file), str(file))
        except PipelineInvalid as problem:
            invalid = True
            for finding in problem.findings:
                out().print(Text(clean(str(finding))), soft_wrap=True)
    if invalid:
        raise typer.Exit(ExitCode.LINT)
    return needs


def _named(each: str) -> tuple[str, str]:
    name, is_there, id = each.partition("=")
    if not is_there or not id.startswith("/subscriptions/"):
        raise Failure("USAGE", f"--at {each}: say it as NAME=/subscriptions/…", ExitCode.USAGE)
    return name, id
