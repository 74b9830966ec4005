"""The laptop of the demo for auditors: its own pipeline, people and sites, and the key that its CI signs with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.cli.laptop.layout import Layout

SERVICE = "payments"
FOLDER = Path("examples", "audit")
_PEM = re.compile(r"( *)-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


@dataclass(frozen=True)
class AuditedLayout(Layout):
    """`public_key` (PEM) stands in the place of the one that the pipeline is shipped with."""

    public_key: str = ""

    @property
    def people(self) -> Path:
        return self.root / FOLDER / "people.yaml"

    @property
    def sites(self) -> Path:
        return self.root / FOLDER / "laptop.yaml"

    @property
    def written(self) -> list[Path]:
        return [self.root / FOLDER / f"{SERVICE}.yaml"]

    def pipelines(self, azure: Mapping[str, Any]) -> Path:
        folder = self.state / "pipelines"
        folder.mkdir(parents=True, exist_ok=True)
        (written,) = self.written
        text = self.with_ports(written.read_text(encoding="utf-8"), azure)
        (folder / written.name).write_text(_PEM.sub(self._indented, text), encoding="utf-8")
        return folder

    def _indented(self, found: re.Match[str]) -> str:
        return "\n".join(found[1] + line for line in self.public_key.strip().splitlines())
