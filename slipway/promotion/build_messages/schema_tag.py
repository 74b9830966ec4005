"""The versions of its database that a build runs on, as a tag that CI gives the build.

CI's own events have no field for them. A tag travels with the event, and a pipeline's step can set it:
`slipway-schema-from-13-to-15-expand-13-contract-14`.
"""

import re
from collections.abc import Iterable

from pydantic import ValidationError

from slipway.promotion.build_messages.slipway import DatabaseSchema
from slipway.promotion.errors import BuildRejected

_OURS = "slipway-schema-"
_MEANT = re.compile(r"slipway[-_ .]?schema", re.IGNORECASE)  # whatever begins so was meant for us
_TAG = re.compile(
    r"slipway-schema-from-(?P<from>[0-9]{1,8})-to-(?P<to>[0-9]{1,8})"
    r"(?:-expand-(?P<expand>[0-9]{1,8}))?(?:-contract-(?P<contract>[0-9]{1,8}))?\Z",
    re.ASCII,
)


def schema_in(tags: Iterable[object]) -> dict[str, int]:
    """What the build's tag says, as its message would; empty without such a tag. Blanks around it and the size of its
    letters do not count.

    Raises BuildRejected INVALID_BUILD for two of them, and for one that cannot be read: a build whose limits are
    misspelt is not one without limits.
    """
    trimmed = {tag.strip() for tag in tags if isinstance(tag, str)}
    ours = {tag for tag in trimmed if _MEANT.match(tag)}
    if not ours:
        return {}
    if len(ours) > 1:
        raise BuildRejected("INVALID_BUILD", f"tags: {len(ours)} of them begin with {_OURS}; a build has one schema")
    (tag,) = ours
    found = _TAG.match(tag.lower())
    if found is None:
        words = f"tags: {tag[:80]!a} is none of the form {_OURS}from-13-to-15-expand-13-contract-14"
        raise BuildRejected("INVALID_BUILD", words)
    try:
        said = {key: int(version) for key, version in found.groupdict().items() if version}
        return DatabaseSchema.model_validate(said).told
    except ValidationError as invalid:
        words = (invalid.errors()[0].get("ctx") or {}).get("words") or invalid.errors()[0]["msg"]
        raise BuildRejected("INVALID_BUILD", f"tags: {tag[:80]!a} {words}") from invalid
