"""People and applications with one role each, for tests of who may do what."""

from pathlib import Path
from typing import Any

import yaml

ROLES = ("reader", "operator", "approver", "submitter", "auditor", "admin")
# Login name or client id, and what the token says.
PEOPLE = {f"only-{role}": [role] for role in ROLES} | {
    "only-qa": ["qa"],
    "nothing": [],
    "elsewhere": ["admin@*/elsewhere"],
    "scoped": ["operator@*/checkout", "approver@production/checkout"],
    "of-test": ["operator@test"],
}
APPLICATIONS = {
    "ci": ["submitter"],
    "ci-elsewhere": ["submitter@*/elsewhere"],
    "proud": ["admin", "operator", "approver", "reader"],  # of which an application may be a reader
    "alerts": ["ActionGroupsSecureWebhook"],
}


def with_these(shipped: Path, file: Path) -> Path:
    """A file with the people of `shipped` and these."""
    known: dict[str, Any] = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    for number, (name, roles) in enumerate(PEOPLE.items()):
        oid = f"aaaaaaaa-0000-4000-8000-{number:012}"
        known["people"].append({"id": name, "oid": oid, "name": name, "email": f"{name}@t.example", "roles": roles})
    for number, (name, roles) in enumerate(APPLICATIONS.items()):
        known["applications"].append({"id": name, "oid": f"bbbbbbbb-0000-4000-8000-{number:012}", "roles": roles})
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(known), encoding="utf-8")
    return file
