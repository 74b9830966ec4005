"""Each command over the API: what it asks, and what it shows."""

import json
from pathlib import Path

import pytest

from slipway.cli import watch
from slipway.cli.failure import ExitCode
from tests.cli.api_server import ApiServer
from tests.cli.builders import NOW, a_problem, a_promotion, a_stage, an_approval, waiting_for_approval
from tests.cli.conftest import Slipway

PROMOTION = "GET /api/promotions/checkout--1.1.0"
APPROVAL = "POST /api/promotions/checkout--1.1.0/stages/production/approval"
BUILDS = "POST /api/builds"
ACCEPTED = {"promotion": "checkout--1.1.0", "message_id": "m", "status_url": "/api/promotions/checkout--1.1.0"}


def test_submit_sends_the_message_and_names_the_next_command(slipway: Slipway, server: ApiServer) -> None:
    server.on(BUILDS, (202, ACCEPTED))
    result = slipway("submit", "checkout", "1.1.0", "--author", "ann@shop.example", "--branch", "release/1")
    assert result.exit_code == 0
    assert "slipway status checkout--1.1.0 --watch" in result.stdout
    (asked, _, _), (_, _, message) = server.heard
    assert asked == "HEAD /", "what time is it there?"
    assert message["service"] == "checkout"
    assert message["version"] == "1.1.0"
    assert message["author"] == "ann@shop.example"
    assert message["branch"] == "release/1"
    assert message["finished_at"].endswith("Z")


def test_a_build_that_was_taken_in_before_does_not_look_new(slipway: Slipway, server: ApiServer) -> None:
    server.on(BUILDS, (202, ACCEPTED | {"known": True}))
    result = slipway("submit", "checkout", "1.1.0")
    assert result.exit_code == 0
    assert "checkout--1.1.0 is known" in result.stdout
    assert "on the queue" not in result.stdout
    assert "slipway status checkout--1.1.0" in result.stdout


def test_again_sends_a_build_once_more_and_names_its_run(slipway: Slipway, server: ApiServer) -> None:
    run = {"promotion": "checkout--1.1.0=2", "message_id": "m", "status_url": "/api/promotions/checkout--1.1.0=2"}
    server.on("POST /api/promotions/checkout--1.1.0/again", (202, run | {"known": False}))
    result = slipway("again", "checkout--1.1.0", "--reason", "the network was down")
    assert result.exit_code == 0, result.output
    assert server.heard[-1][2] == {"reason": "the network was down"}
    assert "slipway status checkout--1.1.0=2 --watch" in result.stdout
    assert slipway("again", "checkout--1.1.0").exit_code == 2, "without a reason"


def test_a_build_is_finished_at_the_servers_time(slipway: Slipway, server: ApiServer) -> None:
    """Which a laptop system in virtual time has of its own."""
    server.on(BUILDS, (202, ACCEPTED))
    server.date = "Mon, 05 Jan 2026 09:00:00 GMT"
    assert slipway("submit", "checkout", "1.1.0").exit_code == 0
    assert server.heard[-1][2]["finished_at"].startswith("2026-01-05T09:00:0")


def test_what_was_said_bears_the_servers_time(slipway: Slipway, server: ApiServer) -> None:
    server.date = "Mon, 05 Jan 2026 09:00:00 GMT"
    said = {"id": "i", "words": "held until 2026-01-05T17:00:00Z"}
    server.on("POST /api/intents", (201, said), (409, {"code": "HELD", "detail": said["words"]}))
    for _ in range(2):
        result = slipway("hold", "production", "checkout", "--reason", "freeze")
        assert "held until 17:00 UTC" in result.stdout + result.stderr, "today, by that time"


def test_the_same_build_twice_is_the_same_commit(slipway: Slipway, server: ApiServer) -> None:
    server.on(BUILDS, (202, ACCEPTED))
    slipway("submit", "checkout", "1.1.0")
    slipway("submit", "checkout", "1.1.0")
    assert server.heard[1][2]["commit"] == server.heard[3][2]["commit"]


def test_submit_of_a_group_names_each_members_version(slipway: Slipway, server: ApiServer) -> None:
    server.on(BUILDS, (202, ACCEPTED))
    assert slipway("submit", "suite", "2026.48", "--member", "api=1.4.2", "--member", "web=3.0.1").exit_code == 0
    assert server.heard[-1][2]["members"] == {"api": "1.4.2", "web": "3.0.1"}


@pytest.mark.parametrize("members", [["api"], ["=1"], ["api="], ["api=1", "api=2"]])
def test_a_member_that_is_half_said_or_said_twice_is_not_sent(
    slipway: Slipway, server: ApiServer, members: list[str]
) -> None:
    options = [part for member in members for part in ("--member", member)]
    assert slipway("submit", "suite", "2026.48", *options).exit_code == 2
    assert server.heard == []


def test_submit_sends_a_file_as_it_is(slipway: Slipway, server: ApiServer, tmp_path: Path) -> None:
    server.on(BUILDS, (202, ACCEPTED))
    message = {"service": "checkout", "version": "9", "anything": [1]}
    (tmp_path / "message.json").write_text(json.dumps(message))
    assert slipway("submit", "--file", "message.json").exit_code == 0
    assert server.heard[0][2] == message


def test_a_build_and_a_file_are_not_sent_together(slipway: Slipway, server: ApiServer, tmp_path: Path) -> None:
    (tmp_path / "message.json").write_text("{}")
    for build in (["1.0"], ["checkout", "1.0"]):
        result = slipway("submit", *build, "--file", "message.json")
        assert result.exit_code == 2
        assert f"both a build ({' '.join(build)}) and --file were given" in result.stderr
    assert server.heard == []


@pytest.mark.parametrize("option", ["--branch", "--author", "--commit", "--digest", "--finished-at", "--result"])
def test_what_a_file_says_is_not_said_beside_it(
    slipway: Slipway, server: ApiServer, tmp_path: Path, option: str
) -> None:
    (tmp_path / "message.json").write_text("{}")
    result = slipway("submit", "--file", "message.json", option, "main")
    assert (result.exit_code, server.heard) == (2, [])
    assert f"{option} was given beside --file, which is sent as it is" in result.stderr


def test_a_file_that_holds_no_message_is_wrong_usage(slipway: Slipway, tmp_path: Path) -> None:
    (tmp_path / "message.json").write_text("[1")
    assert slipway("submit", "--file", "message.json").exit_code == 2
    assert slipway("submit").exit_code == 2


def test_submit_and_wait_lasts_until_the_promotion_is_over(slipway: Slipway, server: ApiServer) -> None:
    server.on(BUILDS, (202, ACCEPTED))
    unknown = (404, a_problem("NOT_FOUND", 404, "no such promotion"))
    server.on(PROMOTION, unknown, (200, a_promotion(a_stage("dev"), state="passed")))
    result = slipway("submit", "checkout", "1.1.0", "--wait", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["state"] == "passed"


def test_a_watch_in_a_pipe_is_a_line_a_change(slipway: Slipway, server: ApiServer) -> None:
    server.on(
        PROMOTION,
        (200, a_promotion(a_stage("dev", "deploying"))),
        (200, a_promotion(a_stage("dev", "passed"), state="passed")),
    )
    result = slipway("status", "checkout--1.1.0", "--watch")
    assert result.stdout.splitlines() == [
        "» dev         deploying",
        "✓ dev         passed",
        "✓             checkout 1.1.0 passed",
    ]


def test_a_watch_outlives_a_server_that_is_away_for_a_moment(slipway: Slipway, server: ApiServer) -> None:
    server.on(
        PROMOTION,
        (200, a_promotion(a_stage("dev", "deploying"))),
        (503, "<html>restarting</html>"),
        (200, a_promotion(a_stage("dev", "passed"), state="passed")),
    )
    result = slipway("status", "checkout--1.1.0", "--watch")
    assert result.exit_code == 0
    assert "The server gives no answer" in result.stdout


def test_a_watch_that_begins_while_the_server_is_away_waits_for_it(slipway: Slipway, server: ApiServer) -> None:
    away, passed = (503, "stopping"), (200, a_promotion(a_stage("dev"), state="passed"))
    server.on(PROMOTION, away, passed)
    watched = slipway("status", "checkout--1.1.0", "--watch")
    assert watched.exit_code == 0
    assert watched.stdout.splitlines()[0] == "The server gives no answer; asking again for up to 60 s."
    server.on(PROMOTION, away, passed)
    waited = slipway("status", "checkout--1.1.0", "--wait", "--json")
    assert waited.exit_code == 0
    assert json.loads(waited.stdout)["state"] == "passed"
    assert "asking again" in waited.stderr


def test_a_watch_gives_up_on_a_server_that_stays_away(slipway: Slipway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PATIENCE_S", 0.5)
    result = slipway("status", "checkout--1.1.0", "--watch", "--url", "http://127.0.0.1:1")
    assert result.exit_code == 5
    assert "NOT_REACHABLE" in result.stderr


def test_status_prints_what_the_api_says_as_json(slipway: Slipway, server: ApiServer) -> None:
    server.on(PROMOTION, (200, waiting_for_approval()))
    assert json.loads(slipway("status", "checkout--1.1.0", "--json").stdout) == waiting_for_approval()


def test_status_in_a_pipe_has_no_colours_and_80_columns(slipway: Slipway, server: ApiServer) -> None:
    server.on(PROMOTION, (200, waiting_for_approval()))
    page = slipway("status", "checkout--1.1.0").stdout
    assert "\x1b" not in page
    assert max(len(line) for line in page.splitlines()) <= 80


def test_list_filters_and_says_how_to_go_on(slipway: Slipway, server: ApiServer) -> None:
    summary = {key: value for key, value in waiting_for_approval().items() if key != "stages"}
    server.on("GET /api/promotions", (200, {"promotions": [summary], "after": "t0"}))
    result = slipway("list", "--service", "checkout", "--state", "waiting")
    assert server.heard[0][1] == {"service": "checkout", "state": "waiting", "top": "20"}
    assert "checkout--1.1.0" in result.stdout
    assert "production asks" in result.stdout
    assert "slipway list --service checkout --state waiting --after t0" in result.stdout


def test_an_empty_list_says_how_to_begin(slipway: Slipway, server: ApiServer) -> None:
    server.on("GET /api/promotions", (200, {"promotions": [], "after": None}))
    assert "slipway submit" in slipway("list").stdout


def test_a_list_in_which_nothing_matches_says_so(slipway: Slipway, server: ApiServer) -> None:
    server.on("GET /api/promotions", (200, {"promotions": [], "after": None}))
    assert slipway("list", "--service", "nope").stdout == "No promotion matches --service nope.\n"
    failed = slipway("list", "--state", "not enough evidence", "--after", "t0").stdout
    assert failed == "None of the rest matches --state 'not enough evidence'.\n"
    assert slipway("list", "--after", "t0").stdout == "No further promotion.\n"
    server.on("GET /api/promotions", (200, {"promotions": [], "after": "t1"}))
    page = slipway("list", "--state", "failed").stdout.splitlines()
    assert page == ["None matches --state failed so far.", "more: slipway list --state failed --after t1"]


def test_a_state_that_does_not_exist_is_refused_with_the_nearest(slipway: Slipway, server: ApiServer) -> None:
    result = slipway("list", "--state", "pased")
    assert result.exit_code == 2
    assert "it can be running, waiting, passed" in result.stderr
    assert "did you mean 'passed'?" in result.stderr
    assert slipway("list", "--state", "nonsense").exit_code == 2
    assert server.heard == []


def test_environments_show_what_is_live_and_what_comes(slipway: Slipway, server: ApiServer) -> None:
    there = {
        "service": "checkout",
        "live": {"version": "1.0.0", "promotion": None, "at": "2026-03-02T10:00:00Z", "proven": False},
        "previous": [],
        "on_its_way": {"promotion": "checkout--1.1.0", "version": "1.1.0", "stage": "production", "since": ""},
        "waiting": [{"promotion": "checkout--1.2.0", "version": "1.2.0"}],
        "broken": None,
    }
    server.on("GET /api/environments", (200, {"environments": [{"environment": "production", "services": [there]}]}))
    page = slipway("environments").stdout
    assert "1.0.0 unproven" in page
    assert "» 1.1.0, … 1.2.0 waits" in page


def test_a_place_that_went_back_to_before_slipway_says_so(slipway: Slipway, server: ApiServer) -> None:
    there = {"service": "checkout", "live": None, "previous": [], "on_its_way": None, "waiting": [], "broken": None}
    document = {"environments": [{"environment": "production", "services": [there]}]}
    server.on("GET /api/environments", (200, document))
    page = slipway("environments").stdout
    assert "the release before Slipway's first" in page
    assert "?" not in page
    assert json.loads(slipway("environments", "--json").stdout) == document


def test_a_page_is_as_long_as_the_server_lets_it_be(slipway: Slipway, server: ApiServer) -> None:
    server.on("GET /api/promotions", (200, {"promotions": [], "after": None}))
    assert slipway("list", "--top", "100").exit_code == 0
    assert slipway("list", "--top", "101").exit_code == 2
    assert "1<=x<=100" in slipway("list", "--help").stdout


def test_environments_show_holds_that_are_in_force_and_how_to_lift_them(slipway: Slipway, server: ApiServer) -> None:
    def hold(id: str, expires_at: str) -> dict[str, str]:
        return {"id": id, "by": "Alice Adams", "reason": "stocktaking", "at": "", "expires_at": expires_at}

    holds = [hold("test.checkout.00000001", "2999-01-01T00:00:00Z"), hold("test.checkout.00000002", NOW.isoformat())]
    broken = {"promotion": "checkout--1.1.0", "words": "nobody knows what is live", "at": ""}
    there = {"service": "checkout", "live": None, "previous": [], "on_its_way": None, "waiting": []}
    services = [there | {"broken": None, "holds": holds}, there | {"service": "cart", "broken": broken, "holds": []}]
    server.on("GET /api/environments", (200, {"environments": [{"environment": "test", "services": services}]}))
    page = slipway("environments").stdout
    assert "checkout is held out of test by Alice Adams, until 2999-01-01" in page
    assert "stocktaking" in page
    assert "slipway lift test.checkout.00000001" in page
    assert "00000002" not in page
    assert "cart in test is broken: nobody knows what is live" in page
    assert "slipway lift test.cart.broken" in page


def test_environments_show_versions_that_were_rejected_and_how_to_let_them_in_again(
    slipway: Slipway, server: ApiServer
) -> None:
    rejected = {"version": "1.1.0", "promotion": "checkout--1.1.0", "code": "HARM", "words": "canary fails", "at": ""}
    there = {"service": "checkout", "live": None, "previous": [], "on_its_way": None, "waiting": [], "broken": None}
    services = [there | {"holds": [], "rejected": [rejected]}]
    server.on("GET /api/environments", (200, {"environments": [{"environment": "test", "services": services}]}))
    page = slipway("environments").stdout
    assert "checkout 1.1.0 was rejected in test: canary fails" in page
    assert "slipway lift test.checkout.rejected-1.1.0" in page


def test_a_lift_of_a_version_stays_one_part_of_the_path(slipway: Slipway, server: ApiServer) -> None:
    server.on("DELETE /api/intents/test.checkout.rejected-1.1.0%2B5", (200, {"words": "Alice lifts it"}))
    assert slipway("lift", "test.checkout.rejected-1.1.0+5").exit_code == 0


def test_a_watch_ends_with_a_stage_that_may_be_tried_again(slipway: Slipway, server: ApiServer) -> None:
    failed = a_stage("test", "failed", waits_for="retry", deadline="2999-01-01T00:00:00Z")
    waiting = a_promotion(failed, state="failed", waits_for="test: retry", ended_at="", runtime="Running")
    server.on(PROMOTION, (200, waiting))
    for flag in ("--watch", "--wait"):
        assert slipway("status", "checkout--1.1.0", flag).exit_code == 6
    assert "slipway retry checkout--1.1.0" in slipway("status", "checkout--1.1.0", "--watch").stdout


def test_approve_takes_the_only_stage_that_waits(slipway: Slipway, server: ApiServer) -> None:
    server.on(PROMOTION, (200, waiting_for_approval()))
    server.on(APPROVAL, (200, {"decision": "approved", "votes": 1, "at_least": 1, "words": "production is approved"}))
    result = slipway("approve", "checkout--1.1.0", "--reason", "looks good")
    assert result.exit_code == 0
    assert "production is approved" in result.stdout
    assert server.heard[-1][2]["decision"] == "approve"
    assert server.heard[-1][2]["reason"] == "looks good"


def test_approve_asks_which_when_two_stages_wait(slipway: Slipway, server: ApiServer) -> None:
    stages = [a_stage(name, "waiting for approval", approval=an_approval()) for name in ("eu", "us")]
    server.on(PROMOTION, (200, a_promotion(*stages, state="waiting")))
    result = slipway("approve", "checkout--1.1.0")
    assert result.exit_code == 2
    assert "eu, us" in result.stderr


def test_approve_says_so_when_nothing_waits(slipway: Slipway, server: ApiServer) -> None:
    server.on(PROMOTION, (200, a_promotion(a_stage("dev", "deploying"))))
    result = slipway("approve", "checkout--1.1.0", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["code"] == "NOT_ASKED"


def test_reject_and_abort_want_a_reason(slipway: Slipway, server: ApiServer) -> None:
    assert slipway("reject", "checkout--1.1.0").exit_code == 2
    assert slipway("abort", "checkout--1.1.0").exit_code == 2
    assert server.heard == []


def test_who_approves_a_switch_says_that_it_is_the_switch(slipway: Slipway, server: ApiServer) -> None:
    stage = a_stage("production", "waiting for approval", approval={**an_approval(), "gate": "switch"})
    server.on(PROMOTION, (200, a_promotion(stage, state="waiting")))
    server.on(APPROVAL, (200, {"decision": "approved", "votes": 1, "at_least": 1, "words": "well"}))
    assert slipway("approve", "checkout--1.1.0", "production").exit_code == 0
    assert server.heard[-1][2]["gate"] == "switch"


def test_reject_says_no_with_its_reason(slipway: Slipway, server: ApiServer) -> None:
    server.on(PROMOTION, (200, a_promotion(a_stage("production", "waiting for approval", approval=an_approval()))))
    server.on(APPROVAL, (200, {"decision": "rejected", "votes": 1, "at_least": 1, "words": "production is rejected"}))
    result = slipway("reject", "checkout--1.1.0", "production", "--reason", "wrong build")
    assert result.exit_code == 0
    assert server.heard[-1][2]["decision"] == "reject"


def test_abort_is_a_command_with_its_reason(slipway: Slipway, server: ApiServer) -> None:
    server.on("POST /api/promotions/checkout--1.1.0/commands", (202, {}))
    result = slipway("abort", "checkout--1.1.0", "--reason", "wrong build")
    assert result.exit_code == 0
    assert server.heard[0][2]["command"] == "abort"
    assert "abort for checkout--1.1.0 is on its way" in result.stdout


@pytest.mark.parametrize("stage", [[], ["production"]])
@pytest.mark.parametrize("command", ["advance", "promote", "rollback"])
def test_a_word_to_a_ramp_names_its_stage_where_there_are_several(
    slipway: Slipway, server: ApiServer, command: str, stage: list[str]
) -> None:
    words = "stage production gets its next share of the traffic"
    server.on("POST /api/promotions/checkout--1.1.0/commands", (200, {"words": words}))
    result = slipway(command, "checkout--1.1.0", *stage, "--reason", "enough seen")
    assert (result.exit_code, words in result.stdout) == (0, True)
    body = server.heard[0][2]
    assert (body["command"], body["reason"], body.get("stage")) == (command, "enough seen", *(stage or [None]))
    assert body["id"]


def test_all_the_traffic_at_once_wants_a_reason(slipway: Slipway, server: ApiServer) -> None:
    assert slipway("promote", "checkout--1.1.0").exit_code == 2
    assert server.heard == []


@pytest.mark.parametrize("odd", ["checkout--1~2", "a/../../b"])
def test_an_id_stays_one_part_of_the_path(slipway: Slipway, server: ApiServer, odd: str) -> None:
    slipway("status", odd)
    assert server.heard[0][0] == f"GET /api/promotions/{odd.replace('/', '%2F')}"


SEAL = {"digest": "ab" * 32, "parts": {"build": "1", "pipeline": "2", "configuration": "3"}}


def test_a_vote_is_for_what_was_shown(slipway: Slipway, server: ApiServer) -> None:
    stage = a_stage("production", "waiting for approval", approval=an_approval() | {"seal": SEAL})
    server.on(PROMOTION, (200, a_promotion(stage, state="waiting")))
    server.on(APPROVAL, (409, a_problem("SEAL_CHANGED", 409, "configuration changed since; look at it again")))
    result = slipway("approve", "checkout--1.1.0")
    assert server.heard[-1][2]["seal"] == SEAL["digest"]
    assert (result.exit_code, "configuration changed since" in result.output) == (ExitCode.REFUSED, True)


def test_a_vote_is_taken_back_whatever_it_was_given_for(slipway: Slipway, server: ApiServer) -> None:
    stage = a_stage("production", "waiting for approval", approval=an_approval() | {"seal": SEAL})
    server.on(PROMOTION, (200, a_promotion(stage, state="waiting")))
    server.on(APPROVAL, (200, {"words": "taken back; 0 of 2 approvals, open: 2 of role:release-manager"}))
    assert slipway("take-back", "checkout--1.1.0").exit_code == 0
    said = server.heard[-1][2]
    assert (said["decision"], "seal" in said) == ("take-back", False)


def test_delegations_are_made_listed_and_ended(slipway: Slipway, server: ApiServer) -> None:
    words = "Alice lets Bob approve in their place until 2026-12-24T00:00:00Z"
    server.on("POST /api/delegations", (201, {"id": "0123456789ab", "words": words}))
    result = slipway("delegate", "--to", "bob", "--until", "2026-12-24", "--service", "checkout")
    assert "slipway undelegate 0123456789ab" in result.stdout
    body = {"to": "bob", "until": "2026-12-24T00:00:00Z", "service": "checkout", "environment": "", "reason": ""}
    assert server.heard[-1][2] == body
    assert slipway("delegate", "--to", "bob").exit_code == 2, "without an end"
    assert slipway("delegate", "--to", "bob", "--for", "8h", "--until", "2026-12-24").exit_code == 2, "with two"
    lent = {"id": "0123456789ab", "by": "Alice", "to": "Bob", "until": NOW.isoformat(), "service": "checkout"}
    server.on("GET /api/delegations", (200, {"delegations": [lent]}), (200, {"delegations": []}))
    listed = slipway("delegations").stdout
    assert "Bob" in listed and "Alice" in listed and "checkout" in listed
    assert "Nobody approves" in slipway("delegations").stdout
    server.on("DELETE /api/delegations/0123456789ab", (200, {"words": "Alice ends it"}))
    assert "Alice ends it" in slipway("undelegate", "0123456789ab").stdout


SAID = {
    "id": "_._.1",
    "words": "every service in every environment, until 2026-01-05T17:00:00Z: stopped by Dave: attack",
}


def test_what_people_say_of_a_place_is_sent_whole(slipway: Slipway, server: ApiServer) -> None:
    server.on("POST /api/intents", (201, SAID))
    place = {"environment": "production", "service": "checkout", "reason": "so"}
    told = {
        ("stop", "--reason", "so"): {"kind": "stop", "reason": "so", "for": "24h"},
        ("stop", "--reason", "so", "--service", "checkout"): {
            "kind": "stop",
            "reason": "so",
            "for": "24h",
            "service": "checkout",
        },
        ("reject-version", "production", "checkout", "1.2.0", "--reason", "so"): {
            "kind": "reject",
            **place,
            "version": "1.2.0",
        },
        ("freeze", "production", "checkout", "--reason", "so", "--for", "2d", "--except-hotfixes"): {
            "kind": "freeze",
            **place,
            "for": "2d",
            "on_begin": "finish",
            "except": ["hotfix"],
        },
    }
    for words, body in told.items():
        result = slipway(*words)
        assert (result.exit_code, server.heard[-1][2]) == (0, body), result.stderr
        assert "slipway lift _._.1" in result.stdout


def test_every_stop_is_lifted_by_one_command_and_what_counts_is_shown(slipway: Slipway, server: ApiServer) -> None:
    shown = {**SAID, "kind": "stop", "state": "in force", "expires_at": "2026-01-05T17:00:00Z"}
    hold = {**shown, "id": "production.checkout.2", "kind": "hold", "words": "held by Dave: so"}
    places = [f"production/s{n}" for n in range(5)]
    server.on("GET /api/intents", (200, {"intents": [{**shown, "places": places}, {**hold, "places": places[:1]}]}))
    server.on("DELETE /api/intents/_._.1", (200, {"words": "Erin lifts _._.1"}))
    listed = slipway("intents").stdout
    assert "held by Dave: so" in listed and "and 2 more" in listed and "slipway lift _._.1" in listed
    assert "_._.1 is lifted" in slipway("resume-all").stdout
    lifted = [each for each in server.heard if "DELETE" in " ".join(map(str, each[:2]))]
    assert len(lifted) == 1, "holds stay"


def test_a_hotfix_says_why_it_is_one(slipway: Slipway, server: ApiServer) -> None:
    server.on(BUILDS, (202, ACCEPTED))
    assert slipway("submit", "checkout", "1.1.1", "--hotfix", "the till is down").exit_code == 0
    assert server.heard[-1][2]["hotfix"] == "the till is down"
