"""What the CI of `payments` proves of a build, as its tools write it: lcov, SARIF, and SLSA in a DSSE envelope."""

import json
from base64 import b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

LINES = 200
BUILDER, SOURCE = "https://ci.shop.example/builders/hosted@v1", "https://code.shop.example/payments"
STATEMENT = "application/vnd.in-toto+json"
KNOWN, INJECTION = "py/unused-import", "py/sql-injection"
_LEVELS = {KNOWN: "note", INJECTION: "warning"}


def coverage(percent: int) -> str:
    """lcov's text of one file, so much of which its tests reach."""
    hit = LINES * percent // 100
    lines = "".join(f"DA:{n},{int(n <= hit)}\n" for n in range(1, LINES + 1))
    return f"TN:\nSF:payments/ledger.py\n{lines}LF:{LINES}\nLH:{hit}\nend_of_record\n"


def findings(*rules: str) -> str:
    """A scanner's SARIF log with a finding of each of these rules."""
    tool = {"driver": {"name": "CodeQL", "rules": [{"id": rule} for rule in rules]}}
    run = {"tool": tool, "invocations": [{"executionSuccessful": True}], "results": [_finding(rule) for rule in rules]}
    return json.dumps({"version": "2.1.0", "runs": [run]}, indent=1)


def _finding(rule: str) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": "payments/ledger.py"}, "region": {"startLine": 41}}
    return {
        "ruleId": rule,
        "level": _LEVELS[rule],
        "message": {"text": f"{rule} at this place"},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"primaryLocationLineHash": f"{rule}:1"},
    }


class Signer:
    """Whoever holds a key that statements are signed with."""

    def __init__(self) -> None:
        self._key: EllipticCurvePrivateKey = generate_private_key(SECP256R1())

    @property
    def public_key(self) -> str:
        """As PEM."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def provenance(self, digest: str, commit: str) -> str:
        """That the builder made the artifact with this digest (`sha256:…`) from the source at this commit, signed."""
        payload = json.dumps(_statement(digest.removeprefix("sha256:"), commit)).encode()
        signed = b"DSSEv1 %d %b %d %b" % (len(STATEMENT), STATEMENT.encode(), len(payload), payload)
        signature = b64encode(self._key.sign(signed, ECDSA(SHA256()))).decode()
        envelope = {"payloadType": STATEMENT, "payload": b64encode(payload).decode()}
        return json.dumps({**envelope, "signatures": [{"keyid": "", "sig": signature}]})


def _statement(sha256: str, commit: str) -> dict[str, Any]:
    definition = {
        "buildType": "https://ci.shop.example/types/pipeline@v1",
        "externalParameters": {},
        "resolvedDependencies": [{"uri": f"git+{SOURCE}@refs/heads/main", "digest": {"gitCommit": commit}}],
    }
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "payments.zip", "digest": {"sha256": sha256}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"buildDefinition": definition, "runDetails": {"builder": {"id": BUILDER}}},
    }
