"""DSSE envelopes, signed by a key: `DSSEv1 {type length} {type} {payload length} {payload}` is what was signed.

A key is ECDSA on P-256, P-384 or P-521, RSA from 2048 bits (PKCS #1 or PSS), or Ed25519. Key Vault answers an ECDSA
signature as two numbers side by side, everybody else as DER: both are taken.
"""

from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from slipway.promotion.errors import SlipwayError
from slipway.promotion.gates.answer import Breach, cut
from slipway.promotion.gates.reading import Unreadable

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_MOST_SIGNATURES = 20


@dataclass(frozen=True)
class Envelope:
    payload: bytes
    payload_type: str
    signatures: tuple[bytes, ...]

    @property
    def signed(self) -> bytes:
        """The pre-authentication encoding."""
        name = self.payload_type.encode()
        return b"DSSEv1 %d %b %d %b" % (len(name), name, len(self.payload), self.payload)


@dataclass(frozen=True)
class Signed:
    """A payload whose signature holds, and who has signed it, in words."""

    payload: bytes
    by: str


def envelope(document: dict[str, Any]) -> Envelope:
    """Raises Unreadable."""
    kind, payload, signatures = (document.get(key) for key in ("payloadType", "payload", "signatures"))
    if not isinstance(kind, str) or not isinstance(payload, str) or not isinstance(signatures, list):
        raise Unreadable("no DSSE envelope, which has payloadType, payload and signatures")
    if kind != PAYLOAD_TYPE:
        raise Unreadable(f"its payload is {cut(kind)}, not {PAYLOAD_TYPE}")
    if not 0 < len(signatures) <= _MOST_SIGNATURES:
        raise Unreadable(f"{len(signatures)} signatures; 1 to {_MOST_SIGNATURES} are read")
    texts = [each.get("sig") if isinstance(each, dict) else None for each in signatures]
    return Envelope(_bytes(payload, "payload"), kind, tuple(_bytes(text, "a signature") for text in texts))


def _bytes(text: Any, what: str) -> bytes:
    """DSSE takes either alphabet of base64."""
    try:
        return b64decode(str(text).replace("-", "+").replace("_", "/"), validate=True)
    except (NoBase64, ValueError) as error:
        raise Unreadable(f"{what} is no base64") from error


def signed_by(envelope: Envelope, keys: Sequence[str]) -> Signed | Breach:
    """By one of the keys (PEM). Raises SlipwayError GATE_KEY_INVALID for a key that is none, or too weak."""
    for pem in keys:
        key = public_key(pem)
        if any(_holds(key, signature, envelope.signed) for signature in envelope.signatures):
            return Signed(envelope.payload, f"key {fingerprint(key)}")
    names = ", ".join(fingerprint(public_key(pem)) for pem in keys)
    return Breach("PROVENANCE_UNSIGNED", f"no signature of it is by an allowed key ({cut(names)})")


def public_key(pem: str) -> Any:
    """Raises SlipwayError GATE_KEY_INVALID."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SlipwayError("GATE_KEY_INVALID", "a key of the gate is no public key in PEM") from error
    known = isinstance(key, EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey)
    if not known or (isinstance(key, RSAPublicKey) and key.key_size < 2048):
        raise SlipwayError("GATE_KEY_INVALID", "a key of the gate is neither ECDSA, Ed25519 nor RSA from 2048 bits")
    return key


def fingerprint(key: Any) -> str:
    """What people tell keys apart by: the beginning of the SHA-256 of its SubjectPublicKeyInfo."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()[:16]


def _holds(key: Any, signature: bytes, signed: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    for arguments in _ways(key, signature):
        try:
            key.verify(*arguments[:1], signed, *arguments[1:])
        except InvalidSignature:
            continue
        return True
    return False


def _ways(key: Any, signature: bytes) -> list[tuple[Any, ...]]:
    """The signature and what else `verify` of that key takes, once for each way in which it may have been made."""
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
    from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

    if isinstance(key, rsa.RSAPublicKey):
        pss = padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO)
        return [(signature, padding.PKCS1v15(), SHA256()), (signature, pss, SHA256())]
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return [(signature,)]
    size = (key.curve.key_size + 7) // 8
    algorithms = {32: (SHA256(),), 48: (SHA384(), SHA256())}.get(size, (SHA512(), SHA256()))
    forms = [signature]
    if len(signature) == 2 * size:
        numbers = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
        forms.append(utils.encode_dss_signature(*numbers))
    return [(form, ec.ECDSA(algorithm)) for form in forms for algorithm in algorithms]
