"""Flags that nobody needs any more, or that nobody answers for: each with its reasons in words."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta

from slipway.promotion.flags.setting import EXPIRES, OWNER, FlagSetting

LONG = timedelta(days=30)


def expires_on(setting: FlagSetting) -> date | None:
    """Its day of expiry, as its tag names it; None without one, or with one that is no date."""
    try:
        return datetime.fromisoformat(setting.tags.get(EXPIRES, "")).date()
    except ValueError:
        return None


def reasons(setting: FlagSetting, pipelines: Collection[tuple[str, str]], now: datetime) -> tuple[str, ...]:
    """Why the flag is stale; none when it is not. `pipelines` are the names and labels that pipelines know."""
    found = []
    ends = expires_on(setting)
    if ends and now.astimezone(UTC).date() > ends:
        found.append(f"expired on {ends.isoformat()}")
    if not setting.tags.get(OWNER):
        found.append("has no owner")
    if not ends:
        said = setting.tags.get(EXPIRES)
        found.append(f"its expiry {said!r} is no date" if said else "has no expiry")
    if setting.changed_at and setting.share in (0.0, 1.0) and now - setting.changed_at >= LONG:
        days = (now - setting.changed_at).days
        whom = "everybody" if setting.share else "nobody"
        found.append(f"on for {whom} and unchanged for {days} days: take it out of the code")
    if (setting.name, setting.label) not in pipelines:
        found.append("no pipeline knows it")
    if setting.share is None:
        found.append("has a shape that Slipway does not know")
    return tuple(found)
