"""Public keys (JWK, RFC 7517) that checkpoints are signed with: EC P-256 (ES256) and RSA (RS256).

A key has a thumbprint (RFC 7638), which two people can compare over the telephone. Signatures are as JOSE writes them:
those of EC are r and s side by side (RFC 7518, 3.4).
"""

import base64
import binascii
import hashlib
import json
from typing import Any

from slipway.promotion.errors import SlipwayError

ALGORITHMS = {"EC": "ES256", "RSA": "RS256"}
_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}
_LEAST_RSA_BITS = 2048


class KeyUnreadable(SlipwayError):
    """`code` is AUDIT_KEY_UNREADABLE: no public key of a kind that we know."""

    def __init__(self, words: str) -> None:
        super().__init__("AUDIT_KEY_UNREADABLE", words)


def public_jwk(key: dict[str, Any]) -> dict[str, str]:
    """The public members of a key and its `kid`, and nothing else of it. Raises KeyUnreadable."""
    kind = key.get("kty")
    members = ("kid", *_MEMBERS.get(str(kind), ()))
    if kind not in _MEMBERS or not all(isinstance(key.get(name), str) and key[name] for name in members):
        raise KeyUnreadable("a key needs kid, and kty EC with crv, x, y or kty RSA with n, e")
    return {name: key[name] for name in members}


def read_jwks(text: str) -> dict[str, dict[str, str]]:
    """The keys of a JWKS document, or of a single JWK, by `kid`. Raises KeyUnreadable."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise KeyUnreadable(f"the keys are no JSON: {error}") from error
    listed = document.get("keys", [document]) if isinstance(document, dict) else None
    if not isinstance(listed, list) or not listed or not all(isinstance(each, dict) for each in listed):
        raise KeyUnreadable("the keys are no JWKS: an object with a list `keys`")
    keys = [public_jwk(each) for each in listed]
    return {key["kid"]: key for key in keys}


def thumbprint(key: dict[str, str]) -> str:
    """SHA-256 over the key's public members, base64url."""
    members = {name: key[name] for name in _MEMBERS[key["kty"]]}
    return to_base64url(hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).digest())


def check_usable(key: dict[str, str]) -> None:
    """Raises KeyUnreadable for a key that is none."""
    _loaded(key)


def is_signed(key: dict[str, str], digest: bytes, signature: str) -> bool:
    """Whether the private half of `key` signed the SHA-256 `digest`. Raises KeyUnreadable for a key that is none."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

    found, prehashed = _loaded(key), utils.Prehashed(hashes.SHA256())
    try:
        raw = from_base64url(signature)
        if isinstance(found, rsa.RSAPublicKey):
            found.verify(raw, digest, padding.PKCS1v15(), prehashed)
            return True
        if len(raw) != 64:
            return False
        r, s = (int.from_bytes(half, "big") for half in (raw[:32], raw[32:]))
        found.verify(utils.encode_dss_signature(r, s), digest, ec.ECDSA(prehashed))
    except (InvalidSignature, ValueError):
        return False
    return True


def _loaded(key: dict[str, str]) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    try:
        if key["kty"] == "RSA":
            modulus = _number(key["n"])
            if modulus.bit_length() < _LEAST_RSA_BITS:
                raise KeyUnreadable(f"an RSA key needs {_LEAST_RSA_BITS} bits at least")
            return rsa.RSAPublicNumbers(_number(key["e"]), modulus).public_key()
        if key["crv"] != "P-256":
            raise KeyUnreadable(f"the curve {key['crv'][:20]} is not P-256")
        return ec.EllipticCurvePublicNumbers(_number(key["x"]), _number(key["y"]), ec.SECP256R1()).public_key()
    except ValueError as error:
        raise KeyUnreadable(f"{key['kid']} is no public key: {error}") from error


def _number(text: str) -> int:
    return int.from_bytes(from_base64url(text), "big")


def to_base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def from_base64url(text: str) -> bytes:
    """Raises ValueError for text that is no base64url."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("no base64url") from error
    if to_base64url(raw) != text:
        raise ValueError("no base64url: there is another way to write the same")
    return raw
