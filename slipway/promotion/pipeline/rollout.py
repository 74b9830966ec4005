"""`rollout:` of a stage: how traffic reaches the new release, as a word or as one strategy with its settings."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Discriminator, Tag

from slipway.promotion.pipeline.blue_green import BlueGreenRollout
from slipway.promotion.pipeline.canary import CanaryRollout
from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.units import refusal
from slipway.promotion.pipeline.vocabulary import choice, choice_schema

_WORDS = ("all-at-once",)
_STRATEGIES = ("canary", "blue-green")  # which have settings
_choose = choice(*_WORDS, not_yet=("flag",), elsewhere=_STRATEGIES)


def _written_as(written: Any) -> str:
    """Which strategy's settings these are, as a tag (no tag may be a key of the YAML), else `word`."""
    if isinstance(written, BaseModel):
        return "switch" if isinstance(written, BlueGreenRollout) else "ramp"
    if isinstance(written, dict):
        return next((tag for key, tag in (("canary", "ramp"), ("blue-green", "switch")) if key in written), "word")
    return "word"


def _word(written: Any) -> Any:
    for strategy in _STRATEGIES:
        if written == strategy or (isinstance(written, dict) and strategy in written.values()):
            words = f"{quoted(strategy)} has settings: write {{{strategy}: {{}}}} for its defaults"
            raise refusal("WRONG_TYPE", words)
    return _choose(written)


Rollout = Annotated[
    Annotated[str, BeforeValidator(_word), choice_schema(*_WORDS), Tag("word")]
    | Annotated[CanaryRollout, Tag("ramp")]
    | Annotated[BlueGreenRollout, Tag("switch")],
    Discriminator(_written_as),
]
