"""Who is behind a name that CI reports: a file of people (YAML), for `not: [author]`."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.adapters.once import once_per_process
from slipway.promotion.errors import SlipwayError
from slipway.settings import Settings, settings


class _Person(BaseModel):
    model_config = ConfigDict(extra="ignore")  # the file also says what the person may do, which the token says here
    oid: str = Field(min_length=1)
    authors: list[str] = []


class _People(BaseModel):
    model_config = ConfigDict(extra="ignore")
    people: list[_Person] = []


def person_of_author(author: str, settings_: Settings | None = None) -> str | None:
    """The object id of the person behind an author's name, whatever its case.

    None when nobody has that name, when more than one has, or when the settings name no file of people.
    Raises SlipwayError PEOPLE_INVALID when the file cannot be used.
    """
    path = (settings_ or settings()).people
    if path is None:
        return None
    try:
        changed_ns = path.stat().st_mtime_ns
    except OSError as error:
        raise SlipwayError("PEOPLE_INVALID", f"{path.name} cannot be read: {error.strerror}") from error
    found = _oids_by_author(path, changed_ns).get(author.strip().casefold(), frozenset())
    return next(iter(found)) if len(found) == 1 else None


@once_per_process
def _oids_by_author(path: Path, _changed_ns: int) -> dict[str, frozenset[str]]:
    try:
        people = _People.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise SlipwayError("PEOPLE_INVALID", f"{path.name} is no list of people: {error}") from error
    found: dict[str, frozenset[str]] = {}
    for person in people.people:
        for author in person.authors:
            name = author.strip().casefold()
            found[name] = found.get(name, frozenset()) | {person.oid}
    return found
