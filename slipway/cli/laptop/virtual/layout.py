"""The laptop for a demo in virtual time: one pipeline, and a clock that the demo moves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.cli.laptop.layout import Layout


@dataclass(frozen=True)
class OnePipeline(Layout):
    """The shipped pipeline `file` as it is, but for what takes too long here: `instead` of what is written once."""

    file: str = ""
    instead: Mapping[str, str] = field(default_factory=dict)

    @property
    def written(self) -> list[Path]:
        return [self.root / "pipelines" / self.file]

    def pipelines(self, azure: Mapping[str, Any]) -> Path:
        folder = super().pipelines(azure)
        for each in folder.glob("*.yaml"):
            if each.name != self.file:
                each.unlink()
        text = (folder / self.file).read_text(encoding="utf-8")
        for written, here in self.instead.items():
            assert text.count(written) == 1, f"{self.file} says {written} once"
            text = text.replace(written, here)
        (folder / self.file).write_text(text, encoding="utf-8")
        return folder
