"""App settings: the process environment, completed by `local.settings.json`, and `%NAME%` in bindings."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from slipway.local.functions.refusal import AppRefused

_PLACEHOLDER = re.compile(r"%([^%]+)%")


def load_settings(app: Path) -> Mapping[str, str]:
    """Completes the environment by the `Values` of `local.settings.json`, as Core Tools does.

    Raises AppRefused when the file is not what Core Tools writes, or encrypted.
    """
    file = app / "local.settings.json"
    if file.exists():
        for name, value in _values(file).items():
            os.environ.setdefault(name, value)
    return os.environ


def expand(text: str, settings: Mapping[str, str]) -> str:
    """`text` with every `%NAME%` replaced by that setting. Raises AppRefused when there is none."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in settings:
            raise AppRefused(f"'{text}' needs the setting {name}, which is not set")
        return settings[name]

    return _PLACEHOLDER.sub(value, text)


def is_on(settings: Mapping[str, str], name: str) -> bool:
    """Whether the setting says true, in the ways that Azure understands."""
    return settings.get(name, "").strip().lower() in ("1", "true")


def number(settings: Mapping[str, str], name: str) -> int | None:
    """A setting that is a positive number; None when it is not set. Raises AppRefused."""
    text = settings.get(name)
    if not text:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise AppRefused(f"the setting {name} must be a positive number, it is '{text}'")
    return int(text)


def _values(file: Path) -> dict[str, str]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise AppRefused(f"{file.name} is not JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("Values", {}), dict):
        raise AppRefused(f"{file.name} must be an object with an object 'Values'")
    if document.get("IsEncrypted"):
        raise AppRefused(f"{file.name} is encrypted; decrypt it with 'func settings decrypt'")
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in document.get("Values", {}).items()
    }
