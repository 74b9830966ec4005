"""What the routes of the audit trail answer."""

from pydantic import Field

from triggers.answer_types import Answer, Moment


class ChainShown(Answer):
    """A chain: `size` in bytes, `grew_at` is when its last record came."""

    name: str
    size: int = Field(ge=1)
    grew_at: Moment


class ChainPage(Answer):
    """A page of chains; `after` is the token of the next one, `at` the time here."""

    chains: list[ChainShown]
    after: str | None
    at: Moment


class ChainPart(Answer):
    """Some of a chain's bytes, each as the character of its number; `next` is where the next part begins, `size` how
    many bytes there are in all."""

    text: str
    next: int | None
    size: int = Field(ge=0)
