"""Gives somebody a role of Slipway's application: a person, a group, or an application that calls the API.

`python3 infra/give_role.py release-manager --application ... --to ...`, signed in by `az login` as somebody who may
(Cloud Application Administrator). What the portal does under Enterprise applications for people; it cannot do it for
applications, such as Azure Monitor's. Giving a role twice is giving it once. Nothing beside Python and `az` is needed.

Microsoft Graph v1.0: POST servicePrincipals/{id}/appRoleAssignedTo.
"""

import argparse
import json
import shutil
import subprocess
import sys

GRAPH = "https://graph.microsoft.com/v1.0"
ALREADY = "already exists"  # Graph's words: "Permission being assigned already exists on the object"


class NotGiven(Exception):
    """Why, in words."""


def give(role: str, application: str, principal: str) -> bool:
    """Give the role of that name to the object id `principal`; whether it was new. Raises NotGiven."""
    shown = json.loads(_az("ad", "sp", "show", "--id", application, "--output", "json"))
    roles = {each["value"]: each["id"] for each in shown["appRoles"]}
    if role not in roles:
        raise NotGiven(f"there is no role {role}: there are {', '.join(sorted(roles))}")
    body = json.dumps({"principalId": principal, "resourceId": shown["id"], "appRoleId": roles[role]})
    url = f"{GRAPH}/servicePrincipals/{shown['id']}/appRoleAssignedTo"
    try:
        _az("rest", "--method", "POST", "--url", url, "--body", body)
    except NotGiven as refusal:
        if ALREADY not in str(refusal):
            raise
        return False
    return True


def _az(*arguments: str) -> str:
    az = shutil.which("az")
    if az is None:
        raise NotGiven("az is not there: install the Azure CLI, then az login")
    done = subprocess.run([az, *arguments], capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip() or f"it ended with {done.returncode} and says nothing"
        raise NotGiven(f"az {' '.join(arguments[:2])}: {said}")
    return done.stdout


def main() -> str | int:
    parser = argparse.ArgumentParser(description="Give somebody a role of Slipway's application.")
    parser.add_argument("role", help="such as release-manager")
    parser.add_argument("--application", required=True, help="SLIPWAY_APPLICATION_ID")
    parser.add_argument("--to", required=True, help="object id of a person, group or service principal")
    given = parser.parse_args()
    try:
        new = give(given.role, given.application, given.to)
    except NotGiven as reason:
        return str(reason)
    print(f"{given.to} {'now holds' if new else 'already held'} the role {given.role}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
