"""The words of a pipeline that are more than text: names, paths, resources, and choices from a short list."""

import re
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

from slipway.promotion.ids import is_name
from slipway.promotion.kinds.targets import TARGETS
from slipway.promotion.pipeline.findings import nearest, quoted
from slipway.promotion.pipeline.regions import meant
from slipway.promotion.pipeline.units import refusal

_PATH = re.compile(r"/[!-\"$-~]{0,499}\Z")  # visible ASCII without `#`
_RESOURCE = re.compile(
    r"/subscriptions/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/resourceGroups/[-\w.()]{1,90}/providers/"
    rf"(?:{'|'.join(f'({re.escape(kind.resource_type)}/{kind.resource_name})' for kind in TARGETS.values())})\Z",
    re.IGNORECASE | re.ASCII,
)
_COSMOS = re.compile(
    r"/subscriptions/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/resourceGroups/[-\w.()]{1,90}/providers/"
    r"Microsoft\.DocumentDB/databaseAccounts/[a-z0-9][-a-z0-9]{1,48}[a-z0-9]\Z",
    re.IGNORECASE | re.ASCII,
)
_REGION = re.compile(r"[a-z]+[0-9]?\Z")
_IMAGE = re.compile(
    r"[a-z0-9]+(?:[.-][a-z0-9]+)*(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z"
)
_SLOT = re.compile(r"[A-Za-z0-9][-A-Za-z0-9]{0,58}\Z")
_APPROVER = re.compile(r"(role|group):[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_BRANCH = re.compile(r"[^\s\x00-\x1f\x7f~^:\\\[]{1,200}\Z")  # git's rules, with `*` as the wildcard
_VERSION_PATTERN = re.compile(r"[0-9A-Za-z*][0-9A-Za-z.*_+-]{0,63}\Z")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def _name(text: str) -> str:
    if is_name(text):
        return text
    plain = re.sub(r"[^a-z0-9]+", "-", text[:63].lower()).strip("-")
    words = f"{quoted(text)} is not a name: up to 63 small letters and digits, with single hyphens between"
    raise refusal("INVALID_NAME", words, plain)


def _path(text: str) -> str:
    if _PATH.match(text):
        return text
    words = f"{quoted(text)} is not a path: it begins with / and is ASCII without spaces and #"
    raise refusal("INVALID_PATH", words, f"/{text}" if _PATH.match(f"/{text}") else "")


def _resource(text: str) -> str:
    if _RESOURCE.match(text):
        return text
    site, slots, _ = text.partition("/slots/")
    if slots and kind_of(site) == "app-service":
        raise refusal("INVALID_RESOURCE", "names a slot; give the site here and the slot as `slot:`", site)
    raise refusal(
        "INVALID_RESOURCE",
        f"{quoted(text)} is not the resource id of {_RESOURCES}",
    )


_FIRST, *_OTHERS = TARGETS.values()
_RESOURCES = f"{_FIRST.called}: /subscriptions/<guid>/resourceGroups/<group>/providers/{_FIRST.resource_type}/<name>"
_RESOURCES += "".join(f", or of {kind.called}: …/{kind.resource_type}/<name>" for kind in _OTHERS)


def kind_of(resource: str) -> str:
    """The kind of target that a resource id names; empty when it names none."""
    found = _RESOURCE.match(resource)
    if found is None:
        return ""
    return next(kind for kind, resource in zip(TARGETS, found.groups(), strict=True) if resource)


def _account(text: str) -> str:
    if _COSMOS.match(text):
        return text
    raise refusal(
        "INVALID_RESOURCE",
        f"{quoted(text)} is not the resource id of a Cosmos DB account: /subscriptions/<guid>/resourceGroups/"
        "<group>/providers/Microsoft.DocumentDB/databaseAccounts/<name>",
    )


def _region(text: str) -> str:
    if _REGION.match(text):
        if close := meant(text):
            raise refusal("UNKNOWN_VALUE", f"{quoted(text)} is none of Azure's regions", close)
        return text
    plain = re.sub(r"\s+", "", text.lower())
    words = f"{quoted(text)} is not a region: write it in small letters without spaces, as in westeurope"
    raise refusal("INVALID_NAME", words, plain if _REGION.match(plain) else "")


def _slot(text: str) -> str:
    if text.lower() == "production":
        raise refusal(
            "NO_WAY_BACK",
            'the slot "production" is the one that serves: a release deployed there leaves nothing to swap '
            "back to; name the idle slot",
            "staging",
        )
    if not _SLOT.match(text):
        raise refusal("INVALID_NAME", f"{quoted(text)} is not the name of a slot: letters, digits and hyphens")
    return text


def _approver(text: str) -> str:
    if text.startswith("person:"):
        words = f"{quoted(text)}: this version cannot ask single people; name a role: or a group:"
        raise refusal("DOES_NOT_RUN", words)
    if not _APPROVER.match(text):
        words = f"{quoted(text)} is not an approver; write role:<name> or group:<name>"
        raise refusal("INVALID_APPROVER", words, f"role:{text}" if _APPROVER.match(f"role:{text}") else "")
    return text


def _version_pattern(text: str) -> str:
    if _VERSION_PATTERN.match(text):
        return text
    words = f"{quoted(text)} matches no version: letters, digits, . _ + - and * for any text"
    raise refusal("INVALID_VALUE", words)


def _branch(text: str) -> str:
    if not _BRANCH.match(text):
        raise refusal("INVALID_BRANCH", f"{quoted(text)} is not a branch; write main or, with a wildcard, release/*")
    return text


def _package(text: str) -> str:
    words = f"{quoted(text)} is not a web address; write https://host/{{version}}.zip, without credentials"
    return _of_each_build(text, is_web_address, words)


def _document(text: str) -> str:
    words = f"{quoted(text)} is not a web address; write https://host/{{version}}.json, without credentials"
    return _of_each_build(text, is_web_address, words)


def _image(text: str) -> str:
    words = f"{quoted(text)} is not an image; write registry.example/app:{{version}}"
    return _of_each_build(text, lambda filled: _IMAGE.match(filled) is not None, words)


def _chart(text: str) -> str:
    words = f"{quoted(text)} is not a chart; write registry.example/charts/app:{{version}}"
    if text.startswith("oci://"):
        raise refusal("INVALID_ARTIFACT", words, text.removeprefix("oci://"))
    return _of_each_build(text, lambda filled: _IMAGE.match(filled) is not None, words)


def _web_address(text: str) -> str:
    if is_web_address(text):
        return text.rstrip("/")
    raise refusal("INVALID_ADDRESS", f"{quoted(text)} is not a web address; write https://host")


def _of_each_build(text: str, is_one: Callable[[str], bool], words_if_not: str) -> str:
    """`text` when it names another artifact for each version."""
    placeholders = _PLACEHOLDER.findall(text)
    for placeholder in placeholders:
        if placeholder not in ("service", "version"):
            suggestion = nearest(placeholder, ("service", "version"))
            words = f"{quoted('{' + placeholder + '}')} cannot be filled in; {{service}} and {{version}} can"
            raise refusal("UNKNOWN_PLACEHOLDER", words, f"{{{suggestion}}}" if suggestion else "")
    if not is_one(_PLACEHOLDER.sub("x", text)):
        raise refusal("INVALID_ARTIFACT", words_if_not)
    if "version" not in placeholders:
        raise refusal("INVALID_ARTIFACT", f"{quoted(text)} is the same for every build; put {{version}} into it")
    return text


def is_web_address(text: str) -> bool:
    """Whether it is one of http or https, without credentials."""
    if not re.fullmatch(r"[!-~]{1,2000}", text) or set(text) & set('{}<>"\\^`|#'):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and _port(parts)
    except ValueError:
        return False


def _port(parts: Any) -> bool:
    return parts.port is None or parts.port > 0  # reading it raises ValueError beyond 65535


def choice(*runs: str, not_yet: tuple[str, ...] = (), elsewhere: tuple[str, ...] = ()) -> Callable[[Any], Any]:
    """A reader of one of `runs`; one of `not_yet`, also as a key or value of a mapping, gets DOES_NOT_RUN.
    Words that another reader takes are `elsewhere`; they may be meant too."""
    runs_now = ", ".join(runs)

    def read(written: Any) -> Any:
        if isinstance(written, str) and written in runs:
            return written
        words = _words(written)
        if word := next((word for word in words if word in not_yet), ""):
            raise refusal("DOES_NOT_RUN", f"{quoted(word)} cannot be run by this version yet; {runs_now} can")
        if word := next((word for word in words if word in runs), ""):
            raise refusal("WRONG_TYPE", f"{quoted(word)} takes no settings here: write the word alone", word)
        shown = quoted(words[0] if len(words) == 1 else written)
        later = f", and not yet {', '.join(not_yet)}" if not_yet else ""
        suggestion = next((found for word in words if (found := nearest(word, (*runs, *elsewhere, *not_yet)))), "")
        raise refusal(
            "UNKNOWN_VALUE", f"{shown} is not known here; it can be {', '.join((*runs, *elsewhere))}{later}", suggestion
        )

    return read


def _words(written: Any) -> list[str]:
    """The words that may be meant as the choice: the text itself, or a mapping's keys and plain values."""
    parts = [*written, *written.values()] if isinstance(written, dict) else [written]
    return [part for part in parts if isinstance(part, str)]


def choice_schema(*runs: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(runs)})


Name = Annotated[
    str,
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 63}),
]
HttpPath = Annotated[str, AfterValidator(_path), WithJsonSchema({"type": "string", "pattern": '^/[!-"$-~]*$'})]
Resource = Annotated[
    str,
    AfterValidator(_resource),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^/subscriptions/.+/providers/[Mm]icrosoft."
            "([Ww]eb/sites|[Aa]pp/container[Aa]pps|[Aa]pp/jobs|[Cc]ontainer[Ss]ervice/managed[Cc]lusters"
            "|[Rr]esources/deployment[Ss]tacks|[Aa]pp[Cc]onfiguration/configuration[Ss]tores)/[^/]+$",
        }
    ),
]
CosmosAccount = Annotated[
    str,
    AfterValidator(_account),
    WithJsonSchema({"type": "string", "pattern": "^/subscriptions/.+/[Dd]atabase[Aa]ccounts/[^/]+$"}),
]
Region = Annotated[str, AfterValidator(_region), WithJsonSchema({"type": "string", "pattern": "^[a-z]+[0-9]?$"})]
Slot = Annotated[str, AfterValidator(_slot)]
Approver = Annotated[str, AfterValidator(_approver), WithJsonSchema({"type": "string", "pattern": "^(role|group):.+$"})]
Branch = Annotated[str, AfterValidator(_branch)]
VersionPattern = Annotated[
    str,
    AfterValidator(_version_pattern),
    WithJsonSchema({"type": "string", "pattern": "^[0-9A-Za-z*][0-9A-Za-z.*_+-]{0,63}$"}),
]
Package = Annotated[
    str,
    AfterValidator(_package),
    WithJsonSchema({"type": "string", "pattern": r"^https?://.*\{version\}.*$"}),
]
Document = Annotated[
    str,
    AfterValidator(_document),
    WithJsonSchema({"type": "string", "pattern": r"^https?://.*\{version\}.*$"}),
]
Image = Annotated[
    str, AfterValidator(_image), WithJsonSchema({"type": "string", "pattern": r"^[^/]+/.*\{version\}.*$"})
]
Chart = Annotated[
    str, AfterValidator(_chart), WithJsonSchema({"type": "string", "pattern": r"^[^/:]+/.*\{version\}.*$"})
]
WebAddress = Annotated[
    str, AfterValidator(_web_address), WithJsonSchema({"type": "string", "pattern": r"^https?://[^/]+"})
]
Owner = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
