"""Build-completed messages: parsed by their shape into a `Build`."""

from slipway.promotion.build_messages.reading import parse_build
from slipway.promotion.build_messages.slipway import SlipwayBuild, build_schema

__all__ = ["SlipwayBuild", "build_schema", "parse_build"]
