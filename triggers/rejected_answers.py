"""What the routes of messages that lie aside answer, as models."""

from typing import Annotated

from pydantic import WithJsonSchema

from slipway.promotion.set_aside import SOURCES
from triggers.answer_types import Answer, Moment, MomentOrNotYet

Source = Annotated[str, WithJsonSchema({"type": "string", "enum": [*SOURCES]})]


class RejectedMessage(Answer):
    """A message that lies aside at `source`: the queue `builds-rejected`, or the dead-letter queue of `builds` or of
    the subscription `reports`. `message_id` is the id with which it came, `size` counts bytes. `body` is shown as
    text, in a list its beginning; `cut` says that it is not all. `resubmitted_at`, `resubmitted_by`: it was put
    back, and lies here until it is taken away."""

    id: str
    source: Source
    at: Moment
    message_id: str
    code: str
    reason: str
    deliveries: int
    content_type: str
    size: int
    cut: bool
    body: str
    resubmitted_at: MomentOrNotYet
    resubmitted_by: str


class RejectedPage(Answer):
    """A page, of one source after the other; `after` is the token of the next one."""

    messages: list[RejectedMessage]
    after: str | None


class Resubmitted(Answer):
    """The message `id` was put back on `sent_to`, a queue or a topic, with the id `message_id`. Where it is not
    `taken_away` yet, the list says that it was put back."""

    id: str
    sent_to: str
    message_id: str
    taken_away: bool
    words: str
