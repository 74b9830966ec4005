"""What a stage lets a hotfix skip."""

from typing import ClassVar

from slipway.promotion.pipeline.gates import MOST_GATES
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.vocabulary import Name


class Hotfix(Section):
    """What a hotfix may skip here, once a second person has confirmed it."""

    called: ClassVar[str] = "what a hotfix may skip"

    skips: list[Name] = key("Gates of the stage or of its switch, by name.", min_length=1, max_length=MOST_GATES)
