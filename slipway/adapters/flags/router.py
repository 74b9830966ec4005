"""A flag as a router: the share of users who have it, one conditional write a change.

The target's name is the flag's, its slot the label, and its setting `release` names the stage that ramps it. The store
is the only thing that is told: applications poll it, so a change is in effect `settle` later. A document that is not
the one that this release wrote last is somebody else's, be that a person or another release: more users are never given
to it. Towards nobody it is switched off all the same, whatever it is by then.
"""

from typing import TYPE_CHECKING, Any

from slipway.adapters.azure_errors import AzureProblem, FaultKind
from slipway.adapters.flags.store import Flags
from slipway.promotion.errors import SlipwayError
from slipway.promotion.flags.document import FlagRefused, is_off, with_share
from slipway.promotion.flags.setting import FlagSetting
from slipway.promotion.outcomes import Answer, broken, passed, running
from slipway.promotion.plan import Target
from slipway.promotion.port_values import Split
from slipway.settings import Settings

if TYPE_CHECKING:
    from slipway.promotion.ports import FlagStore

_SOON_S = 1.0
_TRIES = 5
_REFUSED = {FaultKind.DENIED, FaultKind.INVALID}


class FlagRouter:
    """`TrafficRouter` on a flag. `version` is not looked at: every release that reads the flag follows it."""

    def __init__(self, settings_: Settings | None = None, flags: "FlagStore | None" = None) -> None:
        self._flags: FlagStore = flags or Flags(settings_)

    def read_split(self, target: Target, version: str) -> Split:
        """Raises AzureProblem, FlagRefused, and SlipwayError FLAG_GONE."""
        setting = self._flags.read(target.name, target.slot)
        if setting is None:
            raise _gone(target)
        return Split(setting.share or 0.0)

    def watch(self, target: Target) -> tuple[float | None, str, str]:
        """The share; and a code and words when it is not Slipway's any more: FLAG_GONE, FLAG_OFF (a person's word),
        FLAG_CHANGED. Raises AzureProblem."""
        setting = self._flags.read(target.name, target.slot)
        if setting is None:
            gone = _gone(target)
            return 0.0, gone.code, gone.words
        if setting.off_words:
            return 0.0, "FLAG_OFF", f"{setting.where} was switched off: {setting.off_words}"
        if not _is_ours(target, setting):
            return setting.share, "FLAG_CHANGED", _changed(setting)
        return setting.share, "", ""

    def start_split(self, target: Target, version: str, share: float, operation: str, resuming: bool) -> Answer:
        """Passed at once when the flag has that share already. A repeated start looks, and writes what is missing."""
        return self.poll_split(target, {"kind": "intended", "operation": operation}, version, share)

    def poll_split(self, target: Target, handle: dict[str, Any], version: str, share: float) -> Answer:
        """Broken FLAG_CHANGED, FLAG_GONE, FLAG_OFF, FLAG_SHAPE_UNKNOWN, FLAG_NOT_STICKY, and ROUTER_REFUSED in Azure's
        words."""
        operation = str(handle["operation"])
        try:
            for _ in range(_TRIES):
                answer = self._written(target, share, operation)
                if answer is not None:
                    return answer
        except AzureProblem as problem:
            if problem.fault.kind in _REFUSED:
                return broken("ROUTER_REFUSED", f"{target.name}: {problem.fault.words}")
            return problem.fault.answer(handle, _SOON_S)
        except SlipwayError as error:
            return broken(error.code, error.words)
        return running(handle, _SOON_S, f"the flag {target.name} keeps changing under us")

    def _written(self, target: Target, share: float, operation: str) -> Answer | None:
        """None when it changed between the look and the write: whose that change was, the next look says."""
        setting = self._flags.read(target.name, target.slot)
        if setting is None:
            if share <= 0:
                return passed(f"the flag {target.name} is gone, so nobody has it", share=0.0, others=[])
            raise _gone(target)
        if setting.is_written_by(operation) or (_is_ours(target, setting) and _has(setting, share)):
            return _in_effect(setting, share)
        if share <= 0:
            if is_off(setting.document):
                return _in_effect(setting, share)
        elif setting.off_words:
            return broken("FLAG_OFF", f"{setting.where} was switched off: {setting.off_words}")
        elif not _is_ours(target, setting):
            return broken("FLAG_CHANGED", _changed(setting))
        document = with_share(setting.document, share)
        written = self._flags.write(setting, document, setting.written(document, operation))
        return _in_effect(written, share) if written else None


def _is_ours(target: Target, setting: FlagSetting) -> bool:
    """Whether the release that ramps it wrote it last; orders of before that was told name none."""
    return setting.is_of(target.settings.get("release", ""))


def _has(setting: FlagSetting, share: float) -> bool:
    found = setting.share
    return found is not None and abs(found - share) < 1e-6 and is_off(setting.document) == (share <= 0)


def _in_effect(setting: FlagSetting, share: float) -> Answer:
    has = "everybody" if share >= 1 else f"{100 * share:g} % of the users" if share > 0 else "nobody"
    return passed(f"{has} has {setting.where}", share=share, others=[])


def _gone(target: Target) -> FlagRefused:
    where = f"{target.name} ({target.slot})" if target.slot else target.name
    return FlagRefused("FLAG_GONE", f"the flag {where} is not in the store any more: applications take it for off")


def _changed(setting: FlagSetting) -> str:
    share = setting.share
    now = "has a shape that is not known" if share is None else f"has {share:.1%} of the users"
    at = f" at {setting.changed_at:%H:%M:%S} UTC" if setting.changed_at else ""
    return f"{setting.writer or 'somebody else'} changed the flag {setting.where}{at}: it {now}"
