"""Pipelines from a folder of YAML files."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.adapters.once import once_per_process
from slipway.promotion.claims import Claim
from slipway.promotion.port_values import PipelineText

if TYPE_CHECKING:
    from slipway.promotion.pipeline import Finding


@dataclass(frozen=True)
class _Read:
    """A file; `service` is empty when it holds no pipeline. `claims`: whose builds it says are its own."""

    service: str
    pipeline: PipelineText
    findings: tuple["Finding", ...]
    claims: tuple[Claim, ...] = ()


class PipelineFolder:
    """The pipelines in a folder's `*.yaml` and `*.yml`; a file is read again when its time or size changes.

    A file that holds no pipeline this version can run is left out and reported by `findings`. Two files for
    one service: the first by name counts, the other is reported.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, service: str) -> PipelineText | None:
        """The service's pipeline: text, file name, digest."""
        return self.all().get(service)

    def all(self) -> dict[str, PipelineText]:
        """All sound pipelines by service."""
        found: dict[str, PipelineText] = {}
        for read in self._files():
            if read.service:
                found.setdefault(read.service, read.pipeline)
        return found

    def claims(self) -> dict[str, tuple[Claim, ...]]:
        """Of each sound pipeline whose builds it says are its own, by service; none where it says nothing."""
        claims: dict[str, tuple[Claim, ...]] = {}
        for read in self._files():
            if read.service:
                claims.setdefault(read.service, read.claims)
        return claims

    def findings(self) -> list["Finding"]:
        """What keeps files of the folder from being used, in the order of their names."""
        from slipway.promotion.pipeline import Finding, shared_claims

        reported: list[Finding] = []
        owners: dict[str, str] = {}
        if not self._path.is_dir():
            return [Finding(str(self._path), 1, 1, "NO_FOLDER", "there is no such folder of pipelines")]
        for read in self._files():
            reported.extend(read.findings)
            if read.service and owners.setdefault(read.service, read.pipeline.file) != read.pipeline.file:
                words = f"{owners[read.service]} already says how {read.service} is promoted"
                reported.append(Finding(read.pipeline.file, 1, 1, "SECOND_PIPELINE", words))
        files = {service: pipeline.file for service, pipeline in self.all().items()}
        return [*reported, *shared_claims(self.claims(), files)]

    def shared_flags(self) -> list["Finding"]:
        """Flags of the one store that two of the sound pipelines change."""
        from slipway.promotion.pipeline import shared_flags

        return shared_flags((each.text, each.file) for each in self.all().values())

    def shared_databases(self) -> list["Finding"]:
        """Databases that two of the sound pipelines change."""
        from slipway.promotion.pipeline import shared_databases

        return shared_databases((each.text, each.file) for each in self.all().values())

    def cyclic_services(self) -> list["Finding"]:
        """Services of the sound pipelines that wait for each other."""
        from slipway.promotion.pipeline import cyclic_services

        return cyclic_services((each.text, each.file) for each in self.all().values())

    def _files(self) -> list[_Read]:
        if not self._path.is_dir():
            return []
        paths = sorted(path for path in self._path.iterdir() if path.suffix in (".yaml", ".yml"))
        return [_read(path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths]


@once_per_process
def _read(path: Path, _changed_ns: int, _size: int) -> _Read:
    from slipway.promotion.pipeline import PipelineInvalid, digest_of, no_text, read_pipeline

    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        return _Read("", PipelineText("", path.name, ""), (no_text(path.name, error),))
    pipeline = PipelineText(text, path.name, digest_of(text))
    try:
        read = read_pipeline(text, path.name)
        return _Read(read.service, pipeline, (), read.claims)
    except PipelineInvalid as invalid:
        return _Read("", pipeline, invalid.findings)
