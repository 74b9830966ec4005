"""The flags that a release changes: what each was before is kept with the release, so that it can be put back.

What is kept is the document over which the release wrote, with its etag. It is kept before each write, and the write
counts only when nobody wrote meanwhile; so whoever dies between the two, or loses the answer, keeps the right one.
The last document that is not the release's own counts.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.adapters.flags.switch import Changing, in_use, noted
from slipway.promotion.flags.document import Document, FlagRefused, is_off, switched_off, with_share
from slipway.promotion.flags.setting import BY_COMPARISON, COMPARED, LAST_WRITE, SWITCHED_OFF, FlagSetting, fingerprint
from slipway.promotion.outcomes import Answer, broken, passed
from slipway.promotion.release_parts.flag_wish import FlagWish

if TYPE_CHECKING:
    from slipway.promotion.ports import FlagsBefore, FlagStore

_TRIES = 5
BACK, LEFT, LATER, UNCHANGED = "back", "left", "later", "unchanged"
FIRST, LAST = "first", "last"


@dataclass
class Remembering:
    """`FlagStore` that keeps what `release` (the id of its stage) writes over."""

    flags: "FlagStore"
    kept: "FlagsBefore"
    release: str

    def read(self, name: str, label: str) -> FlagSetting | None:
        return self.flags.read(name, label)

    def write(self, setting: FlagSetting, document: Document, tags: Mapping[str, str]) -> FlagSetting | None:
        if not setting.is_of(self.release):
            self.kept.keep(self.release, setting.name, setting.label, _before(setting))
        return self._told(self.flags.write(setting, document, tags))

    def create(self, name: str, label: str, document: Document, tags: Mapping[str, str]) -> FlagSetting | None:
        self.kept.keep(self.release, name, label, None)
        return self._told(self.flags.create(name, label, document, tags))

    def all(self) -> Sequence[FlagSetting]:
        return self.flags.all()

    def _told(self, written: FlagSetting | None) -> FlagSetting | None:
        if written:
            after = {"document": written.document, **_etag(written)}
            self.kept.wrote(self.release, written.name, written.label, after)
        return written


@dataclass
class FlagsOfRelease:
    """Raises AzureProblem, Changing."""

    flags: "FlagStore"
    kept: "FlagsBefore"
    release: str

    def check(self, wish: FlagWish) -> Answer:
        """Whether the flag could be set now; nothing is changed. Broken as `set` is."""
        setting = self.flags.read(wish.name, wish.label)
        return self._refused(setting, wish) or passed(f"{wish.where} can be switched")

    def set(self, wish: FlagWish, operation: str, expires: str = "") -> Answer:
        """The flag on, or off, for everybody, as a stage says; `expires` is the day that is noted on it, with owner and
        pipeline, where nobody has written them. Result: `was` and `now` in words, both empty when it was
        so already, or a person's word keeps it off. Broken FLAG_GONE, FLAG_IN_USE, FLAG_SHAPE_UNKNOWN, FLAG_NOT_STICKY.
        """
        store = Remembering(self.flags, self.kept, self.release)
        for _ in range(_TRIES):
            setting = store.read(wish.name, wish.label)
            if refused := self._refused(setting, wish):
                return refused
            assert setting is not None
            if setting.is_written_by(operation):
                return self._set(setting, wish)
            if wish.on and setting.off_words:
                return passed(f"{wish.where} stays off: {setting.off_words}", was="", now="")
            document = _wished(setting, wish)
            if document == setting.document or (not wish.on and is_off(setting.document)):
                if setting.is_of(self.release):
                    return self._set(setting, wish)
                return passed(f"{wish.where} is {_on(wish.on)} already", was="", now="")
            tags = setting.written(document, operation, **noted(setting, wish.owner, expires, wish.pipeline))
            written = store.write(setting, document, tags)
            if written:
                return self._set(written, wish)
        raise Changing("FLAG_CONTENDED", f"the flag {wish.where} changes faster than Slipway can write it; try again")

    def _refused(self, setting: FlagSetting | None, wish: FlagWish) -> Answer | None:
        """Why the flag cannot be set, if it cannot."""
        if setting is None:
            return broken("FLAG_GONE", f"there is no flag {wish.where}: make it before a release switches it")
        if setting.is_ramped_by_another(self.release):
            return broken("FLAG_IN_USE", in_use(setting))
        try:
            _wished(setting, wish)
        except FlagRefused as error:
            return broken(error.code, error.words)
        return None

    def _set(self, setting: FlagSetting, wish: FlagWish) -> Answer:
        was = self.was(wish.name, wish.label)
        words = f"{wish.where} is {_on(wish.on)}; it was {was}"
        return passed(words, was=was, now=_on(wish.on), etag=setting.etag)

    def was(self, name: str, label: str) -> str:
        """What the flag was before this release, in words; empty when the release did not change it."""
        row = self.kept.read(self.release, name, label)
        if row is None:
            return ""
        return in_words(row["before"]["document"]) if row["before"] else "not there"

    def back(self, name: str, label: str, when: str, operation: str) -> Answer:
        """The flag as it was before this release. `when`: what the release gave is taken away `first`, before its code
        goes; what it took is given back `last`.

        Result: `flag` is `back`, `later`, `unchanged` (the release did not change it) or `left`: somebody else has
        changed it since, or switched it off for everybody, and their word counts.
        """
        where = f"{name} ({label})" if label else name
        row = self.kept.read(self.release, name, label)
        if row is None:
            return passed(f"{where} was not changed by this release", flag=UNCHANGED)
        before: Document | None = row["before"]["document"] if row["before"] else None
        for _ in range(_TRIES):
            setting = self.flags.read(name, label)
            if setting is None:
                state = LEFT if before else BACK
                return passed(f"{where} is gone: applications take it for off", flag=state)
            if setting.off_words and not self._was_off_too(setting, before):
                return passed(f"{where} stays off: {setting.off_words}", flag=LEFT)
            if before is not None and self._is_back(setting, before):
                return passed(f"{where} is {in_words(before)}, as before", flag=BACK)
            if not setting.is_of(self.release):
                return passed(f"{where} was changed by somebody else since, and is {setting_words(setting)}", flag=LEFT)
            document = switched_off(setting.document) if before is None else before
            if before is None and document == setting.document:
                return passed(_made(where), flag=BACK)
            if when == FIRST and _gives(document, setting):
                return passed(f"{where} goes back after the code", flag=LATER)
            if self.flags.write(setting, document, _tags(setting, document, operation, row["before"])):
                return passed(_made(where) if before is None else f"{where} is {in_words(before)} again", flag=BACK)
        raise Changing("FLAG_CONTENDED", f"the flag {where} changes faster than Slipway can write it; try again")

    def _is_back(self, setting: FlagSetting, before: Document) -> bool:
        """Whether it is as it was. One that is on, and so could be taken for this release's, loses its mark, too."""
        marked = bool(setting.document.get("enabled")) and setting.is_of(self.release)
        return fingerprint(setting.document) == fingerprint(before) and not marked

    def _was_off_too(self, setting: FlagSetting, before: Document | None) -> bool:
        """Whether it is this release's own comparison that keeps it off, as it was before."""
        own = setting.off_words.startswith(f"{BY_COMPARISON}:") and setting.is_of(self.release)
        return own and (before is None or is_off(before))


def in_words(document: Document) -> str:
    """Who has a flag with that document."""
    return setting_words(FlagSetting("", "", document, ""))


def setting_words(setting: FlagSetting) -> str:
    share = setting.share
    if share is None:
        return "of a shape that is not known"
    if is_off(setting.document):
        return "off"
    return "on for everybody" if share >= 1 else f"on for {share:.1%} of the users" if share else "on for testers alone"


def key_of(name: str, label: str) -> str:
    """A flag as the key of a row, whatever its name holds."""
    return hashlib.sha256(f"{label}\n{name}".encode()).hexdigest()[:32]


def _wished(setting: FlagSetting, wish: FlagWish) -> Document:
    """Raises FlagRefused."""
    return _for_everybody(setting.document) if wish.on else switched_off(setting.document)


def _for_everybody(document: Document) -> Document:
    plain = not document.get("variants") and not (document.get("conditions") or {}).get("client_filters")
    return {**document, "enabled": True} if plain else with_share(document, 1.0)


def _gives(document: Document, setting: FlagSetting) -> bool:
    """Whether more users would have it with `document`."""
    return (FlagSetting("", "", document, "").share or 0.0) > (setting.share or 0.0)


def _on(on: bool) -> str:
    return "on for everybody" if on else "off"


def _made(where: str) -> str:
    return f"{where} is off: this release made it"


def _before(setting: FlagSetting) -> dict[str, Any]:
    """What is kept of it: with the document whose write that was, and what a comparison had said of it."""
    said = {name: setting.tags[name] for name in (LAST_WRITE, COMPARED) if name in setting.tags}
    return {"document": setting.document, "tags": said, **_etag(setting)}


def _tags(setting: FlagSetting, document: Document, operation: str, before: dict[str, Any] | None) -> dict[str, str]:
    """Those of a flag that is put back. What another release wrote is that release's again, so that it can put back
    what was before it, and what nobody of Slipway's wrote is nobody's, unless it is off; what this one's comparison
    said is over, unless its word still keeps the flag off."""
    tags = setting.written(document, operation)
    said = (before or {}).get("tags", {})
    if SWITCHED_OFF not in tags:
        tags.pop(COMPARED, None)
        tags |= {name: value for name, value in said.items() if name == COMPARED}
    written = said.get(LAST_WRITE, "")
    if written.partition(" ")[0] == fingerprint(document):
        return tags | {LAST_WRITE: written}
    if before and document.get("enabled"):
        del tags[LAST_WRITE]
    return tags


def _etag(setting: FlagSetting) -> dict[str, Any]:
    return {"etag": setting.etag}
