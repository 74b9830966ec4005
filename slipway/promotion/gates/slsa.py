"""in-toto statements (v0.1, v1) with SLSA provenance (v0.2, v1): subjects, builder, and the sources that count.

Where the statement says which source was built (`configSource`, the workflow's repository), only that one counts: the
other materials are dependencies, and anybody may depend on anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from slipway.promotion.gates.answer import cut
from slipway.promotion.gates.json_reading import strict
from slipway.promotion.gates.reading import Incomplete, Unreadable

STATEMENTS = ("https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1")
V0_2, V1 = "https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"
PREDICATES = (V0_2, V1)
_MOST = 4 * 1024 * 1024
_COMMIT_DIGESTS = ("gitCommit", "sha1")


@dataclass(frozen=True)
class Source:
    repository: str
    commit: str


@dataclass(frozen=True)
class Provenance:
    """`subjects` are the digests by their algorithm."""

    predicate: str
    subjects: dict[str, frozenset[str]]
    builder: str
    sources: tuple[Source, ...]


def read_statement(payload: bytes, predicates: Sequence[str] | None = None) -> Provenance:
    """Raises Unreadable; Incomplete for a statement about something else."""
    statement = _object(strict(payload, _MOST), "the statement")
    if statement.get("_type") not in STATEMENTS:
        raise Unreadable(f"{cut(str(statement.get('_type')))} is no in-toto statement")
    predicate = str(statement.get("predicateType", ""))
    if predicate not in (predicates or PREDICATES) or predicate not in PREDICATES:
        raise Incomplete(f"it states {cut(predicate)}; {' or '.join(predicates or PREDICATES)} is asked for")
    content = _object(statement.get("predicate"), "its predicate")
    builder, sources = _of_v1(content) if predicate == V1 else _of_v0_2(content)
    return Provenance(predicate, _subjects(statement.get("subject")), builder, sources)


def _subjects(subjects: Any) -> dict[str, frozenset[str]]:
    if not isinstance(subjects, list) or not subjects:
        raise Unreadable("the statement has no subject")
    found: dict[str, set[str]] = {}
    for each in subjects:
        for algorithm, value in _object(_object(each, "a subject").get("digest"), "a subject's digest").items():
            found.setdefault(algorithm, set()).add(str(value).lower())
    return {algorithm: frozenset(values) for algorithm, values in found.items()}


def _of_v0_2(predicate: dict[str, Any]) -> tuple[str, tuple[Source, ...]]:
    source = _at(predicate, "invocation", "configSource")
    materials = predicate.get("materials")
    entries = [source] if source.get("uri") else (materials if isinstance(materials, list) else [])
    return str(_at(predicate, "builder").get("id", "")), _sources(entries)


def _of_v1(predicate: dict[str, Any]) -> tuple[str, tuple[Source, ...]]:
    definition = _at(predicate, "buildDefinition")
    resolved = definition.get("resolvedDependencies")
    sources = _sources(resolved if isinstance(resolved, list) else [])
    built = _at(definition, "externalParameters", "workflow").get("repository")
    if built:
        of_it = tuple(each for each in sources if same_repository(each.repository, str(built)))
        sources = of_it or (Source(str(built), ""),)
    return str(_at(predicate, "runDetails", "builder").get("id", "")), sources


def _sources(entries: Sequence[Any]) -> tuple[Source, ...]:
    found = []
    for entry in entries:
        digest = _at({"entry": entry}, "entry", "digest")
        commit = next((str(digest[name]) for name in _COMMIT_DIGESTS if digest.get(name)), "")
        found.append(Source(str(_at({"entry": entry}, "entry").get("uri", "")), commit))
    return tuple(found)


def same_repository(one: str, other: str) -> bool:
    return bool(other) and _repository(one) == _repository(other)


def _repository(uri: str) -> tuple[str, str]:
    """Host and path of `git+https://user@host/path.git@refs/heads/main`."""
    parts = urlsplit(uri.removeprefix("git+"))
    path = parts.path.partition("@")[0].rstrip("/").removesuffix(".git")
    return (parts.hostname or "", path.lower() if parts.hostname in _CASELESS else path)


_CASELESS = ("github.com", "dev.azure.com", "gitlab.com")


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable(f"{what} is no JSON object")
    return value


def _at(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The object below these keys; an empty one where there is none."""
    for key in keys:
        below = value.get(key)
        value = below if isinstance(below, dict) else {}
    return value
