"""The laptop for a day of tenanthub: one pipeline, and a clock that the demo moves."""

from dataclasses import dataclass
from pathlib import Path

from slipway.cli.laptop.layout import Layout

PIPELINE = "tenanthub.yaml"
LOAD, LOAD_HERE = "2m", "8s"


@dataclass(frozen=True)
class SaasLayout(Layout):
    """The shipped pipeline as it is, but for the load test: that takes the machine's time, and has less of it here."""

    def pipelines(self, stand_in: str) -> Path:
        folder = super().pipelines(stand_in)
        for file in folder.glob("*.yaml"):
            if file.name != PIPELINE:
                file.unlink()
        text = (folder / PIPELINE).read_text(encoding="utf-8")
        written = f"duration: {LOAD}"
        assert text.count(written) == 1, f"{PIPELINE} has one load test of {LOAD}"
        (folder / PIPELINE).write_text(text.replace(written, f"duration: {LOAD_HERE}"), encoding="utf-8")
        return folder
