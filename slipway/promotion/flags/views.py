"""A flag as the API shows it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from slipway.promotion.flags.setting import COMPARED, OWNER, FlagSetting
from slipway.promotion.flags.stale import expires_on, reasons
from slipway.promotion.outcomes import iso


def flag(setting: FlagSetting, pipelines: Mapping[tuple[str, str], Sequence[str]], now: datetime) -> dict[str, Any]:
    """`pipelines` are the services whose pipelines ramp a flag or switch it, by its name and label."""
    ends = expires_on(setting)
    return {
        "name": setting.name,
        "label": setting.label,
        "share": setting.share,
        "owner": setting.tags.get(OWNER, ""),
        "expires": ends.isoformat() if ends else "",
        "changed_at": iso(setting.changed_at) if setting.changed_at else "",
        "services": list(pipelines.get((setting.name, setting.label), ())),
        "off": setting.off_words,
        "compared": setting.tags.get(COMPARED, ""),
        "stale": list(reasons(setting, pipelines.keys(), now)),
    }
