"""`slipway demo --saas`: a day of a SaaS product in virtual time; what is claimed was seen, or the demo fails."""

from pathlib import Path

from rich.console import Console

from slipway.cli.laptop.layout import ANY_PORTS, checkout
from slipway.cli.laptop.saas.following import Ring
from slipway.cli.laptop.saas.story import Story
from slipway.cli.laptop.saas.summary import Day
from slipway.cli.laptop.saas.system import LOAD, LOAD_HERE, PIPELINE, SERVICE, System
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.sites import shipped_sites
from slipway.cli.laptop.virtual import telling as virtual
from slipway.cli.laptop.virtual.layout import OnePipeline
from slipway.cli.laptop.virtual.telling import STARTS_AT
from slipway.promotion.pipeline import compile_plan, digest_of, read_pipeline

INTRODUCTION = (
    "A day of `tenanthub`, a SaaS product: an integration stage, three regions on one Cosmos DB account, and two "
    "tenants with subscriptions and people of their own. A sound build reaches them ring by ring, a slow one is "
    "stopped in integration, and one that fails in East US alone is taken back in that ring and in the one before.\n"
    "Time is virtual: the clock stands, and the demo moves it, so that bakes of half an hour pass in seconds. Its "
    "times are on the left. Users are not sent but drawn from a seed, 250 requests a second, and the judge sees them "
    "as Azure's telemetry. Real are the Service Bus message, the orchestrators, deployments and swaps, the web servers "
    f"that health checks ask, and the load, which takes the machine's time: {LOAD_HERE} here, {LOAD} in the pipeline. "
    "It takes two to three minutes.\n"
)


def tell(console: Console, folder: Path) -> Day:
    """The story on a system in the empty `folder`. Raises NotShown, ChildDied, Failure as the API does."""
    console.print(INTRODUCTION, width=min(console.width, 100))
    instead = {f"duration: {LOAD}": f"duration: {LOAD_HERE}"}
    layout = OnePipeline(checkout(), folder, ANY_PORTS, True, STARTS_AT, file=PIPELINE, instead=instead)

    def story(system: System, screen: Screen) -> Day:
        sites = shipped_sites(layout, system.laptop.azure["sites"], SERVICE)
        return Story(system, screen, _rings(layout), sites).tell()

    return virtual.tell(console, layout, System, story)


def _rings(layout: OnePipeline) -> list[Ring]:
    """Those of the shipped pipeline, in its order."""
    text = (layout.root / "pipelines" / PIPELINE).read_text(encoding="utf-8")
    return [
        Ring(stage.ring.name, stage.canary.source.role, stage.canary.source.workspace, stage.targets[0].name)
        for stage in compile_plan(read_pipeline(text, PIPELINE), digest_of(text)).stages
        if stage.ring and stage.canary
    ]
