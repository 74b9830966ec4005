"""The organisation's policies from a folder of YAML files."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.adapters.clock import now
from slipway.adapters.once import once_per_process
from slipway.settings import settings

if TYPE_CHECKING:
    from slipway.promotion.policies import Holding, Policies, PoliciesInvalid


def policies_in_force() -> "Policies | None":
    """Those of the folder SLIPWAY_POLICIES; None where none is named. Raises PoliciesInvalid."""
    folder = settings().policies
    return policies_of(folder) if folder else None


def holding_now(stage: dict[str, Any], service: str, owner: str) -> "Holding":
    """What holds now for a stage, by its plan as JSON. Raises PoliciesInvalid."""
    from slipway.promotion.plan import load_stage
    from slipway.promotion.policies import Policies, holding

    return holding(policies_in_force() or Policies(), load_stage(stage), service, owner, now())


def policies_of(folder: Path) -> "Policies":
    """All `*.yaml` and `*.yml` of the folder together, read again when the time or size of one changes. Raises
    PoliciesInvalid, also for a folder that is not there, or is empty: a wrong path must not be the same as no rules."""
    from slipway.promotion.pipeline import Finding
    from slipway.promotion.policies import PoliciesInvalid

    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))
        seen = tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
    except OSError:
        words = "there is no such folder of policies that can be read"
        raise PoliciesInvalid([Finding(str(folder), 1, 1, "NO_FOLDER", words)]) from None
    if not seen:
        words = "the folder holds no policies; take SLIPWAY_POLICIES away if there are to be none"
        raise PoliciesInvalid([Finding(str(folder), 1, 1, "NO_POLICIES", words)])
    read = _read(seen)
    if isinstance(read, PoliciesInvalid):
        raise read
    return read


@once_per_process
def _read(seen: tuple[tuple[Path, int, int], ...]) -> "Policies | PoliciesInvalid":
    from slipway.promotion.pipeline import Finding, no_text
    from slipway.promotion.policies import PoliciesInvalid, read_policies

    texts = []
    for path, _, _ in seen:
        try:
            texts.append((path.name, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError as error:
            return PoliciesInvalid([no_text(path.name, error)])
        except OSError as error:
            return PoliciesInvalid([Finding(path.name, 1, 1, "NOT_TEXT", f"cannot be read: {error.strerror}")])
    try:
        return read_policies(texts)
    except PoliciesInvalid as invalid:
        return invalid
