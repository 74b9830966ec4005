"""Which database a `migrate` changes, as far as a pipeline says so; and those that several pipelines would change."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from slipway.promotion.pipeline.findings import Finding
from slipway.promotion.pipeline.placed import documents_in, stages_in

TWO_STAGES = (
    "two stages would change one database. A job is the way to one, unless a variable such as DATABASE says which"
)
# A name that speaks of a database and ends with what tells one from another, or is no more than such a word: a host of
# something else, or how a database is used, says nothing.
_ALONE = r"(?:server|host|url|uri|dsn|schema|tenant|connection|data_?source)(?:_?(?:name|string))?"
_WHICH = r"(?:db|database|catalog|schema|tenant|name|server|host|port|url|uri|dsn|connection|string|source|instance)"
_OF_A_DATABASE = r"(?:\w*(?:database|catalog|sql|postgres|mongo|maria|jdbc|odbc)|(?:\w*_)?db|pg)"
_SAYS_WHICH = re.compile(rf"(?:{_OF_A_DATABASE}\w*{_WHICH}|(?:\w*_)?(?:db|database|catalog)|{_ALONE})", re.I)


def same_database(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both change one: their job is the same, and no variable that says which database differs."""
    if str(one.get("job")).lower() != str(other.get("job")).lower():
        return False
    mine, theirs = _said(one), _said(other)
    return all(mine[name] == theirs[name] for name in mine.keys() & theirs.keys())


def shared_databases(pipelines: Iterable[tuple[str, str]]) -> list[Finding]:
    """A finding for each database that an earlier one of the `pipelines` changes, too: each has a lock of its own, and
    neither would know of the other's schema. Each is a text and the file that it lies in."""
    first: list[tuple[str, int, dict[str, Any]]] = []
    found: list[Finding] = []
    for document, file in documents_in(pipelines):
        for path, stage in stages_in(document):
            migrate, at = stage.get("migrate"), (*path, "migrate", "job")
            if not isinstance(migrate, dict):
                continue
            others = [each for each in first if each[0] != file and same_database(migrate, each[2])]
            for where, line, _ in others[:1]:
                words = f"the job and its database are those of {where}, on line {line}: {TWO_STAGES}"
                document.report("SHARED_DATABASE", f"{words}, each under a lock of its own", at)
            first.append((file, document.line(at), migrate))
        found += sorted(set(document.findings))
    return found


def _said(migrate: Mapping[str, Any]) -> dict[str, Any]:
    env = migrate.get("env")
    return (
        {name: value for name, value in env.items() if _SAYS_WHICH.fullmatch(str(name))}
        if isinstance(env, dict)
        else {}
    )
