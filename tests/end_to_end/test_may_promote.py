"""What the API and the command say of a build that is kept out, and that it goes on once that is ended."""

import json

import pytest
from typer.testing import CliRunner

from slipway.cli.main import app
from tests.end_to_end.system import System, a_message, stage_of


def test_every_reason_is_said_and_its_own_command_ends_it(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_URL", system.run.url)
    monkeypatch.setenv("SLIPWAY_TOKEN", system.token("alice"))

    def slipway(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == 0, result.output
        return result.stdout

    slipway("hold", "test", "checkout", "--reason", "stocktaking", "--for", "1h")
    id = "checkout--7.0.0-crash"
    planned = slipway("plan", "checkout", "--live", "--version", "7.0.0-crash")
    assert "? held by Alice Adams: stocktaking, until" in " ".join(planned.split())
    system.send(a_message("7.0.0-crash"))
    shown = system.until_state(id, "test", "waiting for the lock")
    slipway("pause", id)
    stage = stage_of(system.get(f"/api/promotions/{id}"), "test")
    blocking = [(each["code"], each["ended_by"]) for each in stage["may_promote"]["reasons"] if each["blocks"]]
    lift = stage["may_promote"]["reasons"][1]["ended_by"]
    assert blocking == [("PAUSED", f"slipway resume {id}"), ("HELD", lift)]
    assert stage_of(shown, "production")["may_promote"]["allowed"] is False
    page = slipway("status", id)
    assert f"slipway resume {id}" in page and lift in page
    for _, command in blocking:
        slipway(*command.split()[1:])
    system.until_state(id, "test", "deploying", "failed")
    slipway("abort", id, "--reason", "seen enough")
    known = json.loads(slipway("plan", "checkout", "--live", "--version", "7.0.0-crash", "--json"))
    assert (known["known"], [each["may_promote"]["allowed"] for each in known["stages"]]) == (True, [False, False])
