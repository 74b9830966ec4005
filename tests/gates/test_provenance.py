"""The gate `provenance`: DSSE envelopes over SLSA, by every kind of key; forged, stale and foreign ones."""

import json
from base64 import b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from slipway.promotion.gates.answer import GateAnswer
from tests.gates.evidence_files import COMMIT, DIGEST, answer, text

TYPE = "application/vnd.in-toto+json"
KEY = ec.generate_private_key(ec.SECP256R1())
BUILDERS = {
    "slsa-v0.2.json": (
        "https://dev.azure.com/shop/_apis/builders/hosted@v1",
        "https://dev.azure.com/shop/web/_git/checkout",
    ),
    "slsa-v1.json": (
        "https://github.com/shop/checkout/.github/workflows/ci.yml@refs/heads/main",
        "https://github.com/shop/checkout",
    ),
}


def pem(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def encoded(payload: bytes, kind: str = TYPE) -> bytes:
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)


def by(key: Any, signed: bytes) -> bytes:
    signature: bytes
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(signed, padding.PKCS1v15(), SHA256())
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        signature = key.sign(signed)
    else:
        signature = key.sign(signed, ec.ECDSA(SHA384() if key.key_size == 384 else SHA256()))
    return signature


def envelope(payload: bytes, signature: bytes | None = None, kind: str = TYPE, key: Any = KEY) -> bytes:
    sig = by(key, encoded(payload, kind)) if signature is None else signature
    signatures = [{"keyid": "", "sig": b64encode(sig).decode()}]
    return json.dumps({"payloadType": kind, "payload": b64encode(payload).decode(), "signatures": signatures}).encode()


def limits(file: str = "slsa-v1.json", **more: Any) -> dict[str, Any]:
    builder, source = BUILDERS[file]
    return {"keys": [pem(KEY)], "builders": [builder], "source": source, **more}


def statement(file: str = "slsa-v1.json", **changes: Any) -> bytes:
    return json.dumps({**json.loads(text(file)), **changes}).encode()


@pytest.mark.parametrize("file", BUILDERS)
def test_the_build_by_its_builder_from_its_source_passes(file: str) -> None:
    said = answer("provenance", envelope(statement(file)), limits(file))
    assert said.passed, said
    assert said.words.startswith(f"built by {BUILDERS[file][0]} from {BUILDERS[file][1]}, signed by key ")
    assert said.facts["builder"] == BUILDERS[file][0]


KEYS = [
    ec.generate_private_key(ec.SECP384R1()),
    ed25519.Ed25519PrivateKey.generate(),
    rsa.generate_private_key(65537, 2048),
]


@pytest.mark.parametrize("key", KEYS, ids=["P-384", "Ed25519", "RSA"])
def test_every_kind_of_key(key: Any) -> None:
    assert answer("provenance", envelope(statement(), key=key), limits(keys=[pem(KEY), pem(key)])).passed


def test_signatures_as_key_vault_makes_them() -> None:
    signed = encoded(statement())
    numbers = decode_dss_signature(by(KEY, signed))
    side_by_side = b"".join(number.to_bytes(32, "big") for number in numbers)
    assert answer("provenance", envelope(statement(), side_by_side), limits()).passed
    key = KEYS[2]
    assert isinstance(key, rsa.RSAPrivateKey)
    pss = key.sign(signed, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
    assert answer("provenance", envelope(statement(), pss), limits(keys=[pem(key)])).passed


def failed(said: GateAnswer, code: str) -> str:
    assert (said.outcome, said.code) == ("failed", code), said
    return said.words


def test_another_key_is_no_signature() -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    words = failed(answer("provenance", envelope(statement(), key=stranger), limits()), "PROVENANCE_UNSIGNED")
    assert "no signature of it is by an allowed key" in words


def test_a_byte_changed_anywhere_in_the_payload_breaks_the_signature() -> None:
    payload = statement()
    good = by(KEY, encoded(payload))
    for at in range(0, len(payload), 97):
        changed = bytearray(payload)
        changed[at] ^= 1
        failed(answer("provenance", envelope(bytes(changed), good), limits()), "PROVENANCE_UNSIGNED")


def test_a_signature_over_the_bare_payload_or_another_type_does_not_count() -> None:
    failed(answer("provenance", envelope(statement(), by(KEY, statement())), limits()), "PROVENANCE_UNSIGNED")
    other = by(KEY, encoded(statement(), "text/plain"))
    failed(answer("provenance", envelope(statement(), other), limits()), "PROVENANCE_UNSIGNED")


def test_provenance_of_another_artifact_or_commit_is_of_another_build() -> None:
    evidence = envelope(statement())
    words = failed(answer("provenance", evidence, limits(), digest="sha256:" + "0" * 64), "EVIDENCE_OF_ANOTHER_BUILD")
    assert DIGEST.removeprefix("sha256:") in words
    words = failed(answer("provenance", evidence, limits(), commit="f" * 40), "EVIDENCE_OF_ANOTHER_BUILD")
    assert COMMIT in words


def test_another_builder() -> None:
    said = answer("provenance", envelope(statement()), limits(builders=["https://builder.example"]))
    assert "allowed is https://builder.example" in failed(said, "PROVENANCE_OF_ANOTHER_BUILDER")
    prefix = ["https://github.com/shop/checkout/*"]
    assert answer("provenance", envelope(statement()), limits(builders=prefix)).passed


def test_another_source_even_when_the_right_one_is_a_dependency() -> None:
    said = answer("provenance", envelope(statement()), limits(source="https://github.com/shop/other"))
    failed(said, "PROVENANCE_OF_ANOTHER_SOURCE")
    document = json.loads(text("slsa-v1.json"))
    document["predicate"]["buildDefinition"]["externalParameters"]["workflow"]["repository"] = "https://github.com/x/y"
    failed(answer("provenance", envelope(json.dumps(document).encode()), limits()), "PROVENANCE_OF_ANOTHER_SOURCE")
    document = json.loads(text("slsa-v0.2.json"))
    document["predicate"]["invocation"]["configSource"]["uri"] = "git+https://github.com/else/where"
    evidence = envelope(json.dumps(document).encode())
    failed(answer("provenance", evidence, limits("slsa-v0.2.json")), "PROVENANCE_OF_ANOTHER_SOURCE")


@pytest.mark.parametrize(
    "source", ["git+https://GitHub.com/shop/checkout.git", "https://bob@github.com/Shop/Checkout/"]
)
def test_a_repository_however_it_is_written(source: str) -> None:
    assert answer("provenance", envelope(statement()), limits(source=source)).passed


def test_of_several_statements_the_one_about_the_build_counts() -> None:
    other = statement(subject=[{"name": "x", "digest": {"sha256": "0" * 64}}])
    assert answer("provenance", envelope(other) + b"\n" + envelope(statement()) + b"\n", limits()).passed


@pytest.mark.parametrize(
    ("evidence", "code", "why"),
    [
        (b"{}", "EVIDENCE_UNREADABLE", "no DSSE envelope"),
        (b"[]", "EVIDENCE_UNREADABLE", "neither a DSSE envelope"),
        (b"", "EVIDENCE_UNREADABLE", "no JSON"),
        (b'{"payload": "", "payload": ""}', "EVIDENCE_UNREADABLE", "'payload' comes twice"),
        (b'{"payload": NaN}', "EVIDENCE_UNREADABLE", "NaN is no number"),
        (b'{"a":' * 100_000, "EVIDENCE_UNREADABLE", "nested too deeply"),
        (envelope(b"{}", kind="text/plain"), "EVIDENCE_UNREADABLE", "its payload is text/plain"),
        (envelope(b"{}"), "EVIDENCE_UNREADABLE", "no in-toto statement"),
        (envelope(statement(subject=[])), "EVIDENCE_UNREADABLE", "no subject"),
        (envelope(statement(predicateType="https://x/v1")), "EVIDENCE_INCOMPLETE", "it states https://x/v1"),
        (envelope(b'{"_type": 1, "_type": 2}'), "EVIDENCE_UNREADABLE", "comes twice"),
        (
            b'{"payloadType": "%b", "payload": "%%", "signatures": [{}]}' % TYPE.encode(),
            "EVIDENCE_UNREADABLE",
            "base64",
        ),
        (b'{"payloadType": "%b", "payload": "", "signatures": []}' % TYPE.encode(), "EVIDENCE_UNREADABLE", "0 sign"),
        (b" " * (4 * 1024 * 1024 + 1), "EVIDENCE_TOO_LARGE", "bytes"),
    ],
)
def test_what_is_no_provenance_says_why(evidence: bytes, code: str, why: str) -> None:
    said = answer("provenance", evidence, limits())
    assert (said.outcome, said.code) == ("broken", code) and why in said.words, said


def test_without_a_digest_nothing_says_that_it_is_of_the_build() -> None:
    assert answer("provenance", envelope(statement()), limits(), digest="").code == "EVIDENCE_INCOMPLETE"


def test_a_key_of_the_gate_that_is_none_or_too_weak() -> None:
    weak = rsa.generate_private_key(65537, 1024)
    for key in ("no key", pem(weak)):
        assert answer("provenance", envelope(statement()), limits(keys=[key])).code == "GATE_KEY_INVALID"


BUNDLE = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}
SIGNER = {
    "identity": "https://github.com/shop/checkout/.github/workflows/ci.yml@refs/heads/main",
    "issuer": "https://x",
}


def test_a_bundle_needs_an_identity_and_has_to_be_one() -> None:
    evidence = json.dumps(BUNDLE).encode()
    failed(answer("provenance", evidence, limits()), "PROVENANCE_UNSIGNED")
    pytest.importorskip("sigstore")
    assert answer("provenance", evidence, limits(sigstore=SIGNER)).code == "EVIDENCE_UNREADABLE"


def test_without_the_extra_a_bundle_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sigstore", "sigstore.errors", "sigstore.models"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    said = answer("provenance", json.dumps(BUNDLE).encode(), limits(sigstore=SIGNER))
    assert (said.outcome, said.code) == ("broken", "PROVENANCE_SIGSTORE_MISSING")
    assert "package sigstore is not installed" in said.words
