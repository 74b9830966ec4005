"""`rollout:` of a stage: how traffic reaches the new release, as a word or as one strategy with its settings."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Discriminator, Tag

from slipway.promotion.pipeline.blue_green import BlueGreenRollout
from slipway.promotion.pipeline.canary import CanaryRollout
from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.flag import FlagRollout
from slipway.promotion.pipeline.units import refusal
from slipway.promotion.pipeline.vocabulary import choice, choice_schema

_WORDS = ("all-at-once",)
# Strategies that have settings: what to write at least, and their tags (no tag may be a key of the YAML).
_LEAST = {"canary": "{canary: {}} for its defaults", "blue-green": "{blue-green: {}} for its defaults"}
_LEAST |= {"flag": "{flag: {name: …}}"}
_TAGS = {"canary": "ramp", "blue-green": "switch", "flag": "flagged"}
_TAG_OF: dict[type[BaseModel], str] = {CanaryRollout: "ramp", BlueGreenRollout: "switch", FlagRollout: "flagged"}
_choose = choice(*_WORDS, elsewhere=tuple(_TAGS))


def _written_as(written: Any) -> str:
    """Which strategy's settings these are, as a tag, else `word`."""
    if isinstance(written, BaseModel):
        return _TAG_OF[type(written)]
    if isinstance(written, dict):
        return next((tag for key, tag in _TAGS.items() if key in written), "word")
    return "word"


def _word(written: Any) -> Any:
    for strategy, least in _LEAST.items():
        if written == strategy or (isinstance(written, dict) and strategy in written.values()):
            raise refusal("WRONG_TYPE", f"{quoted(strategy)} has settings: write {least}")
    return _choose(written)


Rollout = Annotated[
    Annotated[str, BeforeValidator(_word), choice_schema(*_WORDS), Tag("word")]
    | Annotated[CanaryRollout, Tag("ramp")]
    | Annotated[BlueGreenRollout, Tag("switch")]
    | Annotated[FlagRollout, Tag("flagged")],
    Discriminator(_written_as),
]
