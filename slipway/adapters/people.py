"""Who is behind a name: a file of people (YAML), for `not: [author]`, delegations, and roles that were taken away.

What somebody may do a token says, at the moment. The file may list a person's roles and groups as well; then it can
take away what an older token still says, never give anything.
"""

from collections.abc import Iterable
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.adapters.once import once_per_process
from slipway.promotion.errors import SlipwayError
from slipway.promotion.role_claims import EVERYWHERE, Place, roles_at
from slipway.settings import Settings, settings


class KnownPerson(BaseModel):
    """`roles` and `groups` are None where the file does not say."""

    model_config = ConfigDict(extra="ignore")
    oid: str = Field(min_length=1)
    id: str = ""
    name: str = ""
    authors: list[str] = []
    roles: list[str] | None = None
    groups: list[str] | None = None

    @property
    def called(self) -> set[str]:
        """All that this person goes by, whatever the case."""
        return {each.strip().casefold() for each in (self.oid, self.id, self.name, *self.authors) if each.strip()}


class _People(BaseModel):
    model_config = ConfigDict(extra="ignore")
    people: list[KnownPerson] = []


def person_of_author(author: str, settings_: Settings | None = None) -> str | None:
    """The object id of the person behind an author's name, whatever its case.

    None when nobody has that name, when more than one has, or when the settings name no file of people.
    Raises SlipwayError PEOPLE_INVALID when the file cannot be used.
    """
    name = author.strip().casefold()
    found = {each.oid for each in _everybody(settings_) if name in (alias.strip().casefold() for alias in each.authors)}
    return next(iter(found)) if len(found) == 1 else None


def person_called(name: str, settings_: Settings | None = None) -> KnownPerson | None:
    """The one person with that object id, login, name or author's name, whatever its case; None where there is none, or
    more than one. Raises SlipwayError PEOPLE_INVALID."""
    found = [each for each in _everybody(settings_) if name.strip().casefold() in each.called]
    return found[0] if len({each.oid for each in found}) == 1 else None


def taken_away(oid: str, claims: Iterable[str], at: Place = EVERYWHERE, settings_: Settings | None = None) -> list[str]:
    """Which of these claims (`role:x`, `group:x`) the file says that this person does not hold there. None of them
    where it says nothing of the person, or of that kind of claim. Raises SlipwayError PEOPLE_INVALID."""
    known = next((each for each in _everybody(settings_) if each.oid == oid), None)
    roles = None if known is None or known.roles is None else (*known.roles, *roles_at(known.roles, at))
    listed = {"role": roles, "group": known.groups} if known else {}
    told = [(claim, listed.get(claim.partition(":")[0])) for claim in claims]
    return [claim for claim, held in told if held is not None and not _names(claim) & set(held)]


def _names(claim: str) -> set[str]:
    """A claim as it is written, and the role of one that names a place."""
    kind, _, name = claim.partition(":")
    return {name, name.partition("@")[0]} if kind == "role" else {name}


def _everybody(settings_: Settings | None) -> tuple[KnownPerson, ...]:
    path = (settings_ or settings()).people
    if path is None:
        return ()
    try:
        changed_ns = path.stat().st_mtime_ns
    except OSError as error:
        raise SlipwayError("PEOPLE_INVALID", f"{path.name} cannot be read: {error.strerror}") from error
    return _read(path, changed_ns)


@once_per_process
def _read(path: Path, _changed_ns: int) -> tuple[KnownPerson, ...]:
    try:
        people = _People.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise SlipwayError("PEOPLE_INVALID", f"{path.name} is no list of people: {error}") from error
    return tuple(people.people)
