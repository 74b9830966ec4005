"""A server that speaks the API, and the command pointed at it from an empty folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from slipway.cli.main import app
from tests.cli.api_server import ApiServer, serving

Slipway = Callable[..., Result]


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with serving() as api:
        yield api


@pytest.fixture
def slipway(server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slipway:
    """Run the command in an empty folder, signed in to the server."""
    monkeypatch.chdir(tmp_path)
    for name in ("SLIPWAY_STATE", "SLIPWAY_CA_FILE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLIPWAY_URL", server.url)
    monkeypatch.setenv("SLIPWAY_TOKEN", "opaque")
    return lambda *arguments: CliRunner().invoke(app, list(arguments))
