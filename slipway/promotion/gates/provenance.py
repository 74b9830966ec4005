"""Who built it, and from what: SLSA provenance in an in-toto statement, signed in a DSSE envelope by a key, or in a
Sigstore bundle by an identity."""

from typing import Any, BinaryIO

from slipway.promotion.gates.answer import Breach, GateAnswer, cut, judged
from slipway.promotion.gates.dsse import Signed, envelope, signed_by
from slipway.promotion.gates.json_reading import strict
from slipway.promotion.gates.naming import is_commit
from slipway.promotion.gates.reading import Asked, Incomplete, OfAnotherBuild, TooLarge, Unreadable
from slipway.promotion.gates.sigstore_bundle import is_bundle, signed_in_bundle
from slipway.promotion.gates.slsa import Provenance, read_statement, same_repository

MOST = 4 * 1024 * 1024  # bytes of envelope or bundle
_MOST_ENVELOPES = 20  # lines of a file of several


def judge(asked: Asked, read: BinaryIO) -> GateAnswer:
    """The best answer that one of the statements gives. Raises Unreadable, TooLarge, Incomplete, OfAnotherBuild."""
    if not asked.build.digest:
        raise Incomplete("the build's message names no digest, so nothing says that the provenance is of it")
    said: list[GateAnswer] = []
    refused: list[OfAnotherBuild] = []
    for document in _documents(read):
        try:
            said.append(_judge_one(asked, document))
        except OfAnotherBuild as error:
            refused.append(error)
    if not said:
        raise refused[0]
    return next((answer for answer in said if answer.passed), said[0])


def _documents(read: BinaryIO) -> list[dict[str, Any]]:
    """One, or one in each line (`.intoto.jsonl`)."""
    read.seek(0)
    text = read.read(MOST + 1)
    try:
        found = [strict(text, MOST)]
    except Unreadable:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2 or not all(line.lstrip().startswith(b"{") for line in lines):
            raise
        if len(lines) > _MOST_ENVELOPES:
            raise TooLarge(f"{len(lines):,} statements; at most {_MOST_ENVELOPES} are read") from None
        found = [strict(line, MOST) for line in lines]
    if not all(isinstance(each, dict) for each in found):
        raise Unreadable("neither a DSSE envelope nor a Sigstore bundle")
    return found


def _judge_one(asked: Asked, document: dict[str, Any]) -> GateAnswer:
    signed = _signed(asked, document)
    if isinstance(signed, Breach):
        return judged([signed], "", {})
    provenance = read_statement(signed.payload, asked.setting("predicates"))
    algorithm, _, value = asked.build.digest.partition(":")
    if value.lower() not in provenance.subjects.get(algorithm, ()):
        named = next((each for values in provenance.subjects.values() for each in values), "no digest")
        raise OfAnotherBuild(f"it is of {cut(named, 71)}; the build is {asked.build.digest}")
    facts = {"signed_by": signed.by, "builder": cut(provenance.builder), "predicate": cut(provenance.predicate)}
    breaches = [*_of_builder(asked, provenance), *_of_source(asked, provenance)]
    words = f"built by {cut(provenance.builder)} from {cut(str(asked.setting('source')))}, signed by {signed.by}"
    return judged(breaches, words, {**facts, "sources": [cut(each.repository) for each in provenance.sources[:3]]})


def _signed(asked: Asked, document: dict[str, Any]) -> Signed | Breach:
    """The payload, once its signature holds."""
    if is_bundle(document):
        wanted = asked.setting("sigstore")
        if not wanted:
            words = "it is a Sigstore bundle, and the gate names no identity that may sign one"
            return Breach("PROVENANCE_UNSIGNED", words)
        return signed_in_bundle(document, wanted["identity"], wanted["issuer"])
    keys = asked.setting("keys", [])
    if not keys:
        return Breach("PROVENANCE_UNSIGNED", "it is a DSSE envelope, and the gate names no key that may sign one")
    return signed_by(envelope(document), keys)


def _of_builder(asked: Asked, provenance: Provenance) -> list[Breach]:
    allowed = asked.setting("builders", [])
    if any(_is(provenance.builder, each) for each in allowed):
        return []
    words = f"built by {cut(provenance.builder) or '(nobody named)'}; allowed is {cut(', '.join(allowed), 200)}"
    return [Breach("PROVENANCE_OF_ANOTHER_BUILDER", words)]


def _is(named: str, allowed: str) -> bool:
    """`…*` is any that begins so."""
    return named.startswith(allowed[:-1]) if allowed.endswith("*") else named == allowed


def _of_source(asked: Asked, provenance: Provenance) -> list[Breach]:
    """The repository must be the one, and its commit the build's. Raises OfAnotherBuild, and Incomplete where no commit
    is named."""
    wanted = str(asked.setting("source", ""))
    of_it = [each for each in provenance.sources if same_repository(each.repository, wanted)]
    if not of_it:
        named = cut(provenance.sources[0].repository) if provenance.sources else "(nothing named)"
        return [Breach("PROVENANCE_OF_ANOTHER_SOURCE", f"built from {named}; it has to be {cut(wanted)}")]
    commits = [each.commit for each in of_it if each.commit]
    if not commits or not asked.build.commit:
        raise Incomplete("no commit is named by which its source could be compared with the build's")
    if not any(is_commit(each, asked.build) for each in commits):
        raise OfAnotherBuild(f"it is of the commit {cut(commits[0], 40)}; the build is of {asked.build.commit}")
    return []
