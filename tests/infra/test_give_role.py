"""Giving a role asks Graph for the right thing, once; `az` here is a script that writes down what it is asked."""

import json
import os
from pathlib import Path

import pytest

from infra import give_role

SHOWN = {"id": "sp-1", "appRoles": [{"value": "release-manager", "id": "role-1"}, {"value": "reader", "id": "role-2"}]}
AZ = """#!/bin/sh
printf '%s\\n' "$@" >> "$ASKED"
case "$1" in
  ad) cat "$SHOWN" ;;
  *) if [ -n "$REFUSAL" ]; then echo "$REFUSAL" >&2; exit 1; fi ;;
esac
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "az").write_text(AZ)
    (tmp_path / "az").chmod(0o755)
    (tmp_path / "shown.json").write_text(json.dumps(SHOWN))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("SHOWN", str(tmp_path / "shown.json"))
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    monkeypatch.setenv("REFUSAL", "")
    return tmp_path / "asked"


def test_a_role_is_given_by_its_id_at_the_applications_principal(asked: Path) -> None:
    assert give_role.give("release-manager", "app-1", "person-1") is True
    words = asked.read_text().splitlines()
    assert words[:5] == ["ad", "sp", "show", "--id", "app-1"]
    assert words[words.index("--url") + 1] == f"{give_role.GRAPH}/servicePrincipals/sp-1/appRoleAssignedTo"
    body = json.loads(words[words.index("--body") + 1])
    assert body == {"principalId": "person-1", "resourceId": "sp-1", "appRoleId": "role-1"}


def test_a_role_that_is_held_already_is_no_failure(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFUSAL", "Bad Request: Permission being assigned already exists on the object")
    assert give_role.give("reader", "app-1", "person-1") is False


def test_a_role_that_is_none_and_a_refusal_are_said(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(give_role.NotGiven, match="no role boss: there are reader, release-manager"):
        give_role.give("boss", "app-1", "person-1")
    monkeypatch.setenv("REFUSAL", "Insufficient privileges to complete the operation.")
    with pytest.raises(give_role.NotGiven, match="Insufficient privileges"):
        give_role.give("reader", "app-1", "person-1")


def test_az_that_is_not_there_or_says_nothing_is_said(
    asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["give_role.py", "reader", "--application", "app-1", "--to", "person-1"])
    assert give_role.main() == 0
    (tmp_path / "az").write_text("#!/bin/sh\nexit 2\n")
    assert give_role.main() == "az ad sp: it ended with 2 and says nothing"
    (tmp_path / "az").unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert give_role.main() == "az is not there: install the Azure CLI, then az login"
