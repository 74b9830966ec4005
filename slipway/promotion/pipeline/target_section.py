"""What the sections that describe a target of one kind further have in common."""

from typing import Any

from slipway.promotion.pipeline.section import Section


class TargetSection(Section):
    """A mapping below a target, such as that of a Helm release. Which kinds take it: `slipway.promotion.kinds.targets`.

    Its `settings` travel with the target to the adapter of its kind.
    """

    @property
    def within(self) -> str:
        """Which part of the resource it names, where several targets may share one; else empty."""
        return ""

    @property
    def settings(self) -> dict[str, Any]:
        """Plain data for the adapter, by the keys of the YAML."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
