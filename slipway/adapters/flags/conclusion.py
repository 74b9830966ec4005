"""The end of a flag's comparison: the variant that is kept becomes everybody's, and the flag says so."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slipway.adapters.flags.store import Flags
from slipway.promotion.flags.comparison_plan import CONTROL, ComparisonPlan
from slipway.promotion.flags.document import FlagRefused, control_of, switched_off, variant_of, with_share
from slipway.promotion.flags.setting import COMPARED, FlagSetting, by_comparison, shortened

if TYPE_CHECKING:
    from slipway.promotion.ports import FlagStore

_TRIES = 5


@dataclass
class Conclusion:
    """Raises AzureProblem, FlagRefused (FLAG_GONE, FLAG_OFF, FLAG_CHANGED, VARIANT_UNKNOWN)."""

    flags: "FlagStore" = field(default_factory=Flags)

    def check(self, name: str, label: str, plan: ComparisonPlan) -> None:
        """Whether the flag's own variants are those that the pipeline names, if it names any."""
        setting = self._there(name, label)
        found = {"control": control_of(setting.document), "treatment": variant_of(setting.document)}
        for variant, named in (("control", plan.control), ("treatment", plan.treatment)):
            if named and found[variant] != named:
                is_ = f"is {found[variant]}" if found[variant] else "has no name: it is a flag without variants"
                words = f"the pipeline calls the {variant} of {setting.where} {named}, and in the store it {is_}"
                raise FlagRefused("VARIANT_UNKNOWN", words)

    def keep(self, name: str, label: str, keeps: str, words: str, operation: str, release: str = "") -> str:
        """That variant for everybody, in one write, with `words` on the flag, which `release` ramps.

        What was done, in words; empty when the flag changed between the look and the write so often that it was not.
        """
        for _ in range(_TRIES):
            setting = self._there(name, label)
            if setting.is_written_by(operation):
                return _kept(setting, keeps)
            if setting.off_words:
                raise FlagRefused("FLAG_OFF", f"{setting.where} was switched off: {setting.off_words}")
            if not setting.is_of(release):
                words = f"{setting.writer or 'somebody else'} changed {setting.where} just before its comparison ended"
                raise FlagRefused("FLAG_CHANGED", f"{words}, so neither variant is kept; it {_had(setting)}")
            control = keeps == CONTROL
            document = switched_off(setting.document) if control else with_share(setting.document, 1.0)
            tags = setting.written(document, operation, off=by_comparison(words) if control else "")
            tags |= {COMPARED: shortened(words)}
            if written := self.flags.write(setting, document, tags):
                return _kept(written, keeps)
        return ""

    def _there(self, name: str, label: str) -> FlagSetting:
        setting = self.flags.read(name, label)
        if setting is None:
            where = f"{name} ({label})" if label else name
            raise FlagRefused("FLAG_GONE", f"the flag {where} is not in the store any more")
        return setting


def _had(setting: FlagSetting) -> str:
    share = setting.share
    return "has a shape that is not known" if share is None else f"was given to {share:.1%} of the users"


def _kept(setting: FlagSetting, keeps: str) -> str:
    return f"everybody has the {keeps} of {setting.where}"
