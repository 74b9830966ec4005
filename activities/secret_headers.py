"""Headers of a verification: secrets are read just before they are sent, and nothing else ever holds one.

Durable keeps orders and answers in its history, logs keep what is logged, and a release under test may send
back what it was sent. So the references travel, the values live within one call of one activity, and whatever
that call says is searched for them.
"""

import traceback
from collections.abc import Callable, Mapping

from slipway.adapters.hiding import Hiding
from slipway.adapters.secrets import Secrets, sendable
from slipway.promotion.outcomes import Answer
from slipway.promotion.plan import Header


class Unspeakable(Exception):
    """An error whose own words held a secret; these do not."""


def with_headers(
    headers: tuple[Header, ...],
    work: Callable[[Mapping[str, str]], Answer],
    read: Callable[[str], str] = lambda name: Secrets().read(name),
) -> Answer:
    """What `work` answers when it is given the headers with their secrets read; no secret is in the answer.

    Raises what `Secrets.read` raises, SECRET_UNUSABLE for one that cannot be sent as a header, and what `work`
    raises, unless its words hold a secret: then Unspeakable instead.
    """
    secrets = {each.name: sendable(each.secret, read(each.secret)) for each in headers if each.secret}
    sent = {each.name: secrets.get(each.name, each.value) for each in headers}
    hide = Hiding(secrets.values())
    try:
        answer = work(sent)
    except Exception as error:
        told = "".join(traceback.format_exception(error))
        if hide(told) == told:
            raise
        raise Unspeakable(hide(f"{type(error).__name__}: {error}")) from None
    return hide.of(answer)
