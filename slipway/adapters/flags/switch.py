"""Preparing a flag for its ramp, switching it off, and asking whether testers have it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slipway.adapters.flags.store import Flags
from slipway.promotion.errors import SlipwayError
from slipway.promotion.flags.document import (
    FlagRefused,
    FlagTesters,
    is_on_for,
    new_document,
    prepared,
    share_of,
    switched_off,
    variant_of,
)
from slipway.promotion.flags.setting import EXPIRES, OWNER, PIPELINE, SWITCHED_OFF, FlagSetting

if TYPE_CHECKING:
    from slipway.promotion.ports import FlagStore

_TRIES = 5


@dataclass(frozen=True)
class Note:
    """What is written on a flag that Slipway touches, where nobody has written it before: who answers for it, until
    which day it is needed, which pipeline ramps it."""

    owner: str
    expires: str
    pipeline: str


@dataclass(frozen=True)
class Prepared:
    """`share` (0..1) is what the flag has now; `variant` that share's, empty for a flag without variants. `off` is
    whose word keeps it off: no release brings that back by itself."""

    share: float
    variant: str = ""
    created: bool = False
    off: str = ""


class Changing(SlipwayError):
    """FLAG_CONTENDED: others write so often that ours never comes through. May pass."""


@dataclass
class Switch:
    """Raises AzureProblem, FlagRefused (FLAG_GONE too), Changing."""

    flags: "FlagStore" = field(default_factory=Flags)

    def prepare(
        self, name: str, label: str, testers: FlagTesters, note: Note, operation: str, release: str = ""
    ) -> Prepared:
        """The flag on for testers alone, made when there is none. One that everybody has already stays so.

        Raises FlagRefused FLAG_IN_USE when it was given to a part of the users by somebody else than the `release` (the
        id of its stage), or another release is about to.
        """
        for _ in range(_TRIES):
            setting = self.flags.read(name, label)
            if setting is None:
                document = new_document(name, testers)
                blank = FlagSetting(name, label, {}, "")
                tags = blank.written(document, operation, owner=note.owner, expires=note.expires)
                tags |= {PIPELINE: note.pipeline}
                if self.flags.create(name, label, document, tags):
                    return Prepared(0.0, created=True)
                continue
            if setting.off_words:
                return Prepared(0.0, off=setting.off_words)
            share = share_of(setting.document)
            if share >= 1:
                return Prepared(1.0, variant_of(setting.document))
            if setting.is_ramped_by_another(release) or (share > 0 and not setting.is_as_written):
                raise FlagRefused("FLAG_IN_USE", in_use(setting))
            document = prepared(setting.document, testers)
            told = noted(setting, note.owner, note.expires, note.pipeline)
            tags = setting.written(document, operation, **told)
            if self.flags.write(setting, document, tags):
                return Prepared(0.0, variant_of(document))
        raise _contended(name)

    def off(self, name: str, label: str, by: str, operation: str) -> FlagSetting:
        """Off for everybody. `by` is who says so, and why; it is kept on the flag. Raises FlagRefused FLAG_GONE."""
        for _ in range(_TRIES):
            setting = self.flags.read(name, label)
            if setting is None:
                raise FlagRefused("FLAG_GONE", f"there is no flag {name}{f' ({label})' if label else ''}")
            document = switched_off(setting.document)
            written = self.flags.write(setting, document, setting.written(document, operation, off=by))
            if written:
                return written
        raise _contended(name)

    def lift(self, name: str, label: str, operation: str) -> FlagSetting:
        """A person's word that keeps the flag off holds no longer; it stays off until a release ramps it."""
        for _ in range(_TRIES):
            setting = self.flags.read(name, label)
            if setting is None or not setting.off_words:
                raise FlagRefused("FLAG_NOT_OFF", f"nobody's word keeps the flag {name} off")
            tags = setting.written(setting.document, operation)
            del tags[SWITCHED_OFF]
            if written := self.flags.write(setting, setting.document, tags):
                return written
        raise _contended(name)

    def without(self, name: str, label: str, users: Sequence[str], groups: Sequence[str]) -> list[str]:
        """Those of the testers who do not have the flag now."""
        setting = self.flags.read(name, label)
        if setting is None:
            raise FlagRefused("FLAG_GONE", f"there is no flag {name}{f' ({label})' if label else ''}")
        lacking = [user for user in users if not is_on_for(setting.document, user, groups=())]
        return lacking + [group for group in groups if not is_on_for(setting.document, "", (group,))]


def noted(setting: FlagSetting, owner: str, expires: str, pipeline: str) -> dict[str, str]:
    """Those of the notes that nobody has written on it before."""
    wanted = {OWNER: owner, EXPIRES: expires, PIPELINE: pipeline}
    return {name: value for name, value in wanted.items() if not setting.tags.get(name)}


def in_use(setting: FlagSetting) -> str:
    """Who has a flag that a release would begin with, and what ends that."""
    share = setting.share
    whom = f"{share:.1%} of the users" if share else "its testers"
    who, ends = setting.writer or "somebody", "switch it off, or on for all"
    ends = f"wait for the end of that, or {ends}" if setting.writer else ends
    return f"{who} has given {setting.where} to {whom}: {ends}, before a release begins with it"


def _contended(name: str) -> Changing:
    return Changing("FLAG_CONTENDED", f"the flag {name} changes faster than Slipway can write it; try again")
