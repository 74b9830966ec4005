"""What people approve, as digests: an approval is sealed to them, and void when one of them is another. Pure."""

from dataclasses import dataclass, fields
from typing import Any

from slipway.promotion.planned_changes import digest_of
from slipway.promotion.stored import known


@dataclass(frozen=True)
class Seal:
    """A digest a part, in the order in which people hear of them. Empty: there is none of it, or nobody knows it yet.

    `build` is what is deployed, `pipeline` the stage's frozen plan, `configuration` the settings under its label,
    `schema` the database versions that it runs on, `flags` those that the stage changes as they are now, `evidence`
    what its gates said yes to, `policies` the organisation's, `changes` what infrastructure would become.
    """

    build: str = ""
    pipeline: str = ""
    configuration: str = ""
    schema: str = ""
    flags: str = ""
    evidence: str = ""
    policies: str = ""
    changes: str = ""

    @property
    def parts(self) -> dict[str, str]:
        """Those that there are."""
        return {name: value for name in PARTS if (value := getattr(self, name))}

    @property
    def digest(self) -> str:
        """Over all parts: the seal's own name."""
        return digest_of(self.parts)

    def dump(self) -> dict[str, Any]:
        return {"digest": self.digest, "parts": self.parts}

    @classmethod
    def load(cls, data: dict[str, Any] | None) -> "Seal":
        return cls(**known(cls, (data or {}).get("parts", {})))


PARTS = tuple(field.name for field in fields(Seal))


def broken(old: Seal, new: Seal) -> tuple[str, ...]:
    """The parts that are not what they were. What nobody could know when the seal was made was not approved by it, and
    breaks nothing; what was there and is not any more does."""
    return tuple(name for name in PARTS if getattr(old, name) and getattr(old, name) != getattr(new, name))


def changed(old: Seal, new: Seal) -> tuple[str, ...]:
    """The parts in which two seals differ: also what came to be known since."""
    return tuple(name for name in PARTS if getattr(old, name) != getattr(new, name))


def part_of(value: Any) -> str:
    """The digest of a part; empty for what is empty. Of plain data what is empty counts as left out, so that an older
    plan keeps its digest when a newer Slipway knows more settings."""
    told = _told(value)
    return digest_of(told) if told else ""


def _told(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: told for key, each in value.items() if (told := _told(each)) not in _EMPTY}
    if isinstance(value, list | tuple):
        return [_told(each) for each in value]
    return value


_EMPTY: tuple[Any, ...] = (None, "", 0, False, [], {})
