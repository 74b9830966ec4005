"""Pydantic's errors as findings: at their place in the text, in our words."""

from typing import Any

from pydantic_core import ErrorDetails

from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.models import Pipeline
from slipway.promotion.pipeline.positions import Document, Path
from slipway.promotion.pipeline.section import Section

_KINDS_OF_VALUE = {
    "string_type": "text",
    "int_type": "a whole number",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


def explain(error: ErrorDetails, document: Document, root: type[Section] = Pipeline) -> None:
    """Report one error of validating `document.data` as a `root`; nothing when that place was already reported."""
    loc: Path = error["loc"]
    path = document.known(loc)
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        _explain_key(path, document, root)
    elif kind == "missing":
        words = f"{section_at(path, root).called} needs {quoted(str(loc[-1]))}"
        document.report("MISSING_KEY", words, path)
    elif path in document.reported:
        return
    elif "words" in context:
        document.report(kind, context["words"], path, context["suggestion"], key="[key]" in loc)
    elif kind in _KINDS_OF_VALUE:
        words = f"{quoted(error['input'])} is not {_KINDS_OF_VALUE[kind]}"
        document.report("WRONG_TYPE", words, path)
    elif kind in ("greater_than_equal", "less_than_equal"):
        limit = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
        document.report("OUT_OF_RANGE", f"{quoted(error['input'])} is out of range; it is {limit}", path)
    elif kind in ("too_short", "too_long"):
        length = context.get("actual_length")  # None of a mapping
        told = {**context, "actual_length": len(error["input"]) if length is None else length}
        document.report(*_length(kind, path, told), path)
    else:
        document.report("INVALID_VALUE", f"{quoted(error['input'])}: {_lowered(error['msg'])}", path)


def section_at(path: Path, root: type[Section] = Pipeline) -> type[Section]:
    """The model of the mapping at `path`, or of the nearest one around it."""
    sections: list[type[Section]] = [root]
    for part in path:
        below = [each for section in sections for each in section.below(part)] if isinstance(part, str) else []
        sections = below or sections
    return sections[0]


def _explain_key(path: Path, document: Document, root: type[Section]) -> None:
    section, key = section_at(path[:-1], root), str(path[-1])
    if key in section.not_running:
        words = f"{quoted(key)} of {section.called} cannot be run by this version yet; take it out"
        document.report("DOES_NOT_RUN", words, path, key=True)
        return
    words = f"{quoted(key)} is not a key of {section.called}"
    if place := _place_of(key, section):
        where, runs = place
        words += f": it belongs into {where}" + ("" if runs else ", and this version cannot run it yet")
        document.report("UNKNOWN_KEY" if runs else "DOES_NOT_RUN", words, path, key=True)
    else:
        meant = section.meant.get(key, "")
        document.report("UNKNOWN_KEY", words, path, meant, like=(key, section.keys()), key=True)


def _place_of(key: str, section: type[Section]) -> tuple[str, bool] | None:
    """The keys of `section`, two at most, below which `key` belongs, in words; and whether it runs there."""
    below = [(name, set(inner.keys()), inner.not_running) for name, inner in section.keys().items() if inner]
    found = [(name, key in keys) for name, keys, not_running in below if key in keys or key in not_running]
    if not 0 < len(found) < 3:
        return None
    return " or ".join(quoted(name) for name, _ in found), all(runs for _, runs in found)


def _length(kind: str, path: Path, context: dict[str, Any]) -> tuple[str, str]:
    name = next((str(part) for part in reversed(path) if isinstance(part, str)), "the list")
    if kind == "too_short":
        length = context["actual_length"]
        has = f"has {length}" if length else "is empty"
        return "TOO_FEW", f"{quoted(name)} {has}; it needs at least {context['min_length']}"
    return "TOO_MANY", f"{quoted(name)} has {context['actual_length']}; the limit is {context['max_length']}"


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
