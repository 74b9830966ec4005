"""What a blue-green rollout asks of the stage around it: its times."""

from slipway.promotion.pipeline.blue_green import BlueGreen
from slipway.promotion.pipeline.placed import rings_of
from slipway.promotion.pipeline.positions import Document, Path
from slipway.promotion.pipeline.section import sound
from slipway.promotion.pipeline.times import seconds_of, written


def check_blue_greens(document: Document) -> None:
    """Report a second word for how long the old side is kept, and bakes that are too short to judge anything."""
    stages = document.data.get("stages")
    for index, stage in enumerate(stages if isinstance(stages, list) else []):
        rollout = stage.get("rollout") if isinstance(stage, dict) else None
        if not isinstance(rollout, dict) or "blue-green" not in rollout:
            continue
        path: Path = ("stages", index)
        if "retain_previous" in stage:
            words = (
                "a blue-green stage is watched for as long as it keeps its old side: `keep` says how long; take it out"
            )
            document.report("CONFLICTING_KEYS", words, (*path, "retain_previous"), key=True)
        switch = sound(BlueGreen, rollout["blue-green"])
        for at, baking in [(path, stage), *rings_of(path, stage)]:
            bake_s = seconds_of(baking.get("bake"))
            if switch and switch.telemetry and 0 < bake_s < switch.tick:
                words = f"a bake of {written(bake_s)} is over before one tick of {written(switch.tick)} is judged"
                document.report("BAKE_TOO_SHORT", words, (*at, "bake"))
