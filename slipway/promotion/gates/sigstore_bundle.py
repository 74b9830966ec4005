"""Sigstore bundles, by the package `sigstore`, which is an extra: offline, with the trust root that it brings.

A bundle needs exactly one entry of a transparency log: those of GitHub's private repositories have none, and are
refused.
"""

import json
from typing import Any

from slipway.promotion.errors import SlipwayError
from slipway.promotion.gates.answer import Breach, cut
from slipway.promotion.gates.dsse import PAYLOAD_TYPE, Signed
from slipway.promotion.gates.reading import Unreadable

_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle"


def is_bundle(document: dict[str, Any]) -> bool:
    return str(document.get("mediaType", "")).startswith(_MEDIA_TYPE)


def signed_in_bundle(document: dict[str, Any], identity: str, issuer: str) -> Signed | Breach:
    """By a certificate of that identity, which that issuer vouches for. Raises Unreadable, and SlipwayError
    PROVENANCE_SIGSTORE_MISSING where the package is not installed."""
    try:
        from sigstore.errors import VerificationError
        from sigstore.models import Bundle, InvalidBundle
        from sigstore.verify import Verifier
        from sigstore.verify.policy import Identity
    except ImportError as error:
        words = "it is a Sigstore bundle, and the package sigstore is not installed here: add it, or sign with a key"
        raise SlipwayError("PROVENANCE_SIGSTORE_MISSING", words) from error
    try:
        bundle = Bundle.from_json(json.dumps(document))
    except (InvalidBundle, ValueError) as error:
        raise Unreadable(f"no Sigstore bundle that can be read: {cut(str(error))}") from error
    try:
        kind, payload = Verifier.production(offline=True).verify_dsse(
            bundle, Identity(identity=identity, issuer=issuer)
        )
    except VerificationError as error:
        return Breach("PROVENANCE_UNSIGNED", f"its Sigstore bundle does not hold: {cut(str(error), 200)}")
    if kind != PAYLOAD_TYPE:
        raise Unreadable(f"its payload is {cut(kind)}, not {PAYLOAD_TYPE}")
    return Signed(payload, f"{cut(identity)} ({cut(issuer, 60)})")
