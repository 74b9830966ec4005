"""Links to approvals: signed with a secret of the key vault, used once by a row of the table `receipts`.

A new version of the secret voids every link. The token is written nowhere: a row and the audit have the link's id.
"""

import base64
import hashlib
import hmac
import json

from slipway.adapters import clock
from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.rows import Rows
from slipway.adapters.secrets import Secrets
from slipway.promotion.approval_link import FORGED, USED, ApprovalLink
from slipway.promotion.errors import Forbidden, Refused, SlipwayError

SECRET = "approval-links"
SHORTEST_KEY = 32  # characters
LONGEST = 1500
_PURPOSE = b"slipway-approval-link-v1\n"


def token_of(link: ApprovalLink) -> str:
    """The link's token. Raises Refused LINKS_NOT_SET_UP when the vault has no key for it, AzureProblem when it cannot
    be asked."""
    about = json.dumps(link.told, separators=(",", ":")).encode()
    return f"{_text(about)}.{_text(_signature(about))}"


def link_of(token: str) -> ApprovalLink:
    """What a token of ours says. Raises Forbidden LINK_FORGED for any other; and as `token_of` does."""
    try:
        if len(token) > LONGEST:
            raise ValueError
        about, signature = (_bytes(part) for part in token.split("."))
        if f"{_text(about)}.{_text(signature)}" != token or not hmac.compare_digest(_signature(about), signature):
            raise ValueError
        return ApprovalLink.read(json.loads(about))
    except (ValueError, RecursionError) as error:
        raise Forbidden(FORGED, "this is no link that we gave out, or it was altered; vote without it") from error


def spend(link: ApprovalLink, person: str, command: str) -> None:
    """Use it up. The same request of the same person may come again. Raises Refused LINK_USED for any other."""
    rows, key = Rows("receipts"), f"approval-link:{link.id}"
    by = {"by": person, "command": command}
    if rows.insert(link.promotion, key, {"intent_at": clock.now(), "doc": json.dumps(by)}):
        return
    row = rows.get(link.promotion, key)
    if row is None or row.doc != by:
        raise Refused(USED, "this link was used, and counts once; vote without it, or have another one made")


def _signature(about: bytes) -> bytes:
    key = _key()
    return hmac.new(key.encode(), _PURPOSE + about, hashlib.sha256).digest()


def _key() -> str:
    """Raises Refused LINKS_NOT_SET_UP where the vault has no key that is good for it."""
    try:
        key = Secrets().read(SECRET).strip()
        if len(key) >= SHORTEST_KEY:
            return key
        why = f"the secret {SECRET} is shorter than {SHORTEST_KEY} characters"
    except AzureProblem:
        raise
    except SlipwayError as error:
        why = error.words
    raise Refused("LINKS_NOT_SET_UP", f"there are no links to approvals here: {why}; vote without one")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
