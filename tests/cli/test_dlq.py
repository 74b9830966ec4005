"""`slipway dlq`: what lies aside, shown so that it can be looked at, and put back."""

from pathlib import Path
from typing import Any

from tests.cli.api_server import ApiServer
from tests.cli.builders import a_problem, at
from tests.cli.conftest import Slipway


def a_message(id: str = "builds-rejected.12", **more: Any) -> dict[str, Any]:
    known = {"id": id, "source": "builds-rejected", "at": at(600), "message_id": "m-1", "code": "UNKNOWN_SERVICE"}
    known |= {"reason": "no pipeline is for the service nobody", "deliveries": 0, "content_type": "", "size": 9}
    return {**known, "cut": False, "body": '{"a": 1}', "resubmitted_at": "", "resubmitted_by": "", **more}


def test_messages_are_listed_with_their_reasons_and_the_way_to_the_next_page(
    slipway: Slipway, server: ApiServer
) -> None:
    messages = [a_message(), a_message("builds.3", code="DEAD_LETTER", resubmitted_by="Alice")]
    server.on("GET /api/rejected", (200, {"messages": messages, "after": "builds.3"}))
    result = slipway("dlq", "list", "--source", "builds", "--top", "2")
    assert result.exit_code == 0, result.stderr
    said = " ".join(result.stdout.split())
    for words in ("builds-rejected.12", "UNKNOWN_SERVICE", "no pipeline is", "put back by Alice", "--after builds.3"):
        assert words in said, result.stdout
    assert server.heard[-1][1] == {"source": "builds", "top": "2"}


def test_nothing_aside_is_said(slipway: Slipway, server: ApiServer) -> None:
    server.on("GET /api/rejected", (200, {"messages": [], "after": None}))
    assert slipway("dlq", "list").stdout.strip() == "Nothing lies aside."


def test_a_body_that_would_move_the_cursor_is_written_out(slipway: Slipway, server: ApiServer) -> None:
    hostile = "line one\n\x1b[2J\x9b31m\x07 \u202e gone\r\n\ttab [bold]not markup[/bold]"
    message = a_message(body=hostile, reason="\x1b]0;owned\x07", cut=True, deliveries=100)
    server.on("GET /api/rejected/builds-rejected.12", (200, message))
    result = slipway("dlq", "show", "builds-rejected.12")
    assert result.exit_code == 0, result.stderr
    assert not set(result.stdout) & set("\x1b\x9b\x07\r\u202e")
    for words in (r"\x1b[2J\x9b31m\x07 \u202e gone\r", "[bold]not markup[/bold]", "100 times", "cut"):
        assert words in result.stdout, result.stdout


def test_a_message_is_put_back_as_it_is_or_with_another_body(slipway: Slipway, server: ApiServer) -> None:
    answered = {"id": "builds.3", "sent_to": "builds", "message_id": "builds.3:again", "taken_away": True}
    server.on("POST /api/rejected/builds.3/resubmit", (200, {**answered, "words": "Alice puts builds.3 back"}))
    result = slipway("dlq", "resubmit", "builds.3")
    assert result.exit_code == 0 and result.stdout.strip() == "✓ Alice puts builds.3 back"
    assert server.heard[-1][2] == {}
    Path("right.json").write_text('{"service": "checkout"}')
    assert slipway("dlq", "resubmit", "builds.3", "--body", "right.json").exit_code == 0
    assert server.heard[-1][2] == {"body": '{"service": "checkout"}'}


def test_a_file_that_is_not_there_is_wrong_usage(slipway: Slipway) -> None:
    result = slipway("dlq", "resubmit", "builds.3", "--body", "absent.json")
    assert result.exit_code == 2 and "absent.json" in result.stderr


def test_a_second_time_says_when_the_first_one_was(slipway: Slipway, server: ApiServer) -> None:
    words = "builds.3 was put back on 2026-12-01 at 10:00:00 UTC by Alice Adams"
    server.on("POST /api/rejected/builds.3/resubmit", (409, a_problem("ALREADY_RESUBMITTED", 409, words)))
    result = slipway("dlq", "resubmit", "builds.3")
    assert result.exit_code == 1 and "by Alice Adams" in result.stderr, result.stderr
