"""The running API against its own OpenAPI document: whatever is sent, by whomever, no 5xx and no surprise."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.system import System, a_message, start
from triggers.openapi import document

KNOWN = {"id": "checkout--6.0.0", "stage": "production", "environment": "test", "service": "checkout"}
ROLES = {"nobody": None, "reader": "erin", "approver": "carol", "operator": "alice", "admin": "dave"}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One of its own: whatever may be asked is asked here, a stop of everything too."""
    with start(tmp_path_factory.mktemp("system")) as laptop:
        yield System(laptop)


@pytest.fixture(scope="module")
def begun(system: System) -> System:
    """With a promotion that is on its way, for those who guess its id."""
    system.send(a_message("6.0.0"))
    system.until(KNOWN["id"], lambda seen: bool(seen["stages"]))
    return system


def test_the_document_is_served_to_everyone(begun: System) -> None:
    answer = begun.call("GET", "/api/openapi.json", None)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == document()


@pytest.mark.parametrize("role", ROLES)
def test_whatever_is_sent_every_answer_is_in_the_document(begun: System, role: str) -> None:
    from tests.api.fuzz import statuses_of

    who = ROLES[role]
    headers = {"Authorization": f"Bearer {begun.token(who)}"} if who else {}
    statuses = statuses_of(begun.run.url, headers, KNOWN)
    assert 200 in statuses and (401 if who is None else 404) in statuses
