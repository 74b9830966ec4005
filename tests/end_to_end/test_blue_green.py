"""Blue-green on the whole laptop system: a preview, people's yes, a switch, and every way back."""

import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipway.promotion.outcomes import moment
from tests.end_to_end.system import System, a_message, stage_of, start
from tests.end_to_end.test_ramp import SITES, users
from tests.releases_down import crash, hanging

PIPELINE = Path(__file__).with_name("switched.yaml")
AT_ONCE_S = 10.0


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("switch")


@pytest.fixture(scope="module")
def system(state: Path) -> Iterator[System]:
    with start(state, PIPELINE) as laptop:
        served = System(laptop)
        with users(served):
            yield served


def answering(system: System) -> set[str]:
    """The versions that serve; empty where nothing answers."""
    return {_answers(system.laptop.azure["sites"][site] + "/") for site in SITES}


def _answers(address: str) -> str:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(address, timeout=1).headers.get("x-version", "")
    return ""


def place(system: System) -> dict[str, Any]:
    found: dict[str, Any] = system.get("/api/environments/production/services/checkout")
    return found


def until(happened: Any, within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.1)


def approve(system: System, id: str) -> None:
    path = f"/api/promotions/{id}/stages/production/approval"
    answer = system.call("POST", path, json={"decision": "approve", "gate": "switch"})
    assert answer.status_code == 200, answer.text


@pytest.mark.timeout(240)
def test_people_see_the_idle_side_switch_and_come_back_after_the_old_side_was_stopped(
    system: System, state: Path
) -> None:
    """As soon as its time is over the release goes down altogether, and crashes whenever it is started."""
    id = "checkout--2.0.0"
    system.send(a_message("2.0.0"))
    asked = system.until_state(id, "production", "waiting for approval")
    production = stage_of(asked, "production")
    previews = [target["preview"] for target in production["targets"]]
    assert {httpx.get(each + "/").headers["x-version"] for each in previews} == {"2.0.0"}
    assert answering(system) == {"1.0.0"} and production["approval"]["gate"] == "switch"
    until(lambda: place(system)["on_its_way"]["waits_for"].startswith("approval of the switch"))
    approve(system, id)
    assert system.until_ended(id)["state"] == "passed"
    assert answering(system) == {"2.0.0"}
    until(lambda: place(system)["reach"]["how"] == "minutes")
    with pytest.raises(httpx.HTTPStatusError):  # it is stopped
        httpx.get(previews[0] + "/").raise_for_status()
    crash(state, "2.0.0")
    assert answering(system) == {""}
    back = system.call("POST", f"/api/promotions/{id}/commands", json={"command": "rollback", "reason": "not wanted"})
    assert back.status_code == 202, back.text
    until(lambda: answering(system) == {"1.0.0"} and place(system)["on_its_way"] is None)


@pytest.mark.timeout(240)
def test_harm_after_the_switch_is_answered_by_the_old_release_within_seconds(system: System) -> None:
    """A fifth of its requests fail. Prints how long the old release took from the verdict on."""
    id = "checkout--2.1.0-errors"
    system.send(a_message("2.1.0-errors"))
    system.until_state(id, "production", "waiting for approval")
    approve(system, id)
    system.until(id, lambda seen: stage_of(seen, "production")["state"] == "baking")
    answered: list[datetime] = []
    watch = threading.Thread(target=_until_back, args=(system, answered), daemon=True)
    watch.start()
    ended = system.until(id, lambda seen: stage_of(seen, "production")["state"] == "failed", within_s=60)
    assert stage_of(ended, "production")["code"] == "HARM_PROVEN"
    watch.join(30)
    records = system.get(f"/api/promotions/{id}/audit")["records"]
    verdict = next(moment(each["at"]) for each in records if each["action"] == "stage.rolling-back")
    took_s = (answered[0] - verdict).total_seconds()
    print(f"from the verdict to the old release on both sites: {took_s:.2f} s")
    assert answering(system) == {"1.0.0"} and took_s < AT_ONCE_S
    assert [each["version"] for each in place(system)["rejected"]] == ["2.1.0-errors"]


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("version", "when", "how"),
    [("2.2.0", "in its bake", "crashes"), ("2.3.0", "on watch", "crashes"), ("2.4.0", "in its bake", "hangs")],
)
def test_a_release_that_is_down_altogether_is_taken_back(
    system: System, state: Path, version: str, when: str, how: str
) -> None:
    id = f"checkout--{version}"
    system.send(a_message(version))
    system.until_state(id, "production", "waiting for approval")
    approve(system, id)
    system.until(id, lambda seen: stage_of(seen, "production")["state"] == "baking")
    if when == "on watch":
        assert system.until_ended(id)["state"] == "passed"
    assert answering(system) == {version}
    if how == "crashes":
        crash(state, version)
    with hanging(state, version) if how == "hangs" else contextlib.nullcontext():
        assert answering(system) == {""}
        until(lambda: answering(system) == {"1.0.0"} and place(system)["on_its_way"] is None, within_s=90)
    assert place(system)["broken"] is None
    if when == "in its bake":
        assert system.until_ended(id)["code"] == "UNHEALTHY"


def _until_back(system: System, answered: list[datetime]) -> None:
    until(lambda: answering(system) == {"1.0.0"})
    answered.append(datetime.now(UTC))
