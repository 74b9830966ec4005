"""`slipway demo --saas`: a day of a SaaS product in virtual time; what is claimed was seen, or the demo fails."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from slipway.cli.laptop.following import NotShown
from slipway.cli.laptop.layout import ANY_PORTS, checkout
from slipway.cli.laptop.saas.following import Ring
from slipway.cli.laptop.saas.layout import LOAD, LOAD_HERE, PIPELINE, SaasLayout
from slipway.cli.laptop.saas.story import Story
from slipway.cli.laptop.saas.summary import Day
from slipway.cli.laptop.saas.system import SERVICE, System
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.sites import shipped_sites
from slipway.cli.laptop.supervisor import FUNCTIONS, Laptop
from slipway.cli.printing import err
from slipway.promotion.pipeline import compile_plan, digest_of, read_pipeline

STARTS_AT = datetime(2026, 11, 30, 7, tzinfo=UTC)  # a Monday: the same day, and the same users, in every demo
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
    layout = SaasLayout(checkout(), folder, ANY_PORTS, virtual_time=True, starts_at=STARTS_AT)
    times = [STARTS_AT]
    with ExitStack() as stack:
        system: System | None = None
        screen = stack.enter_context(Screen(console, lambda: system.now() if system else times[0]))
        screen.act("starting Azure stand-in, Service Bus broker and Functions host; their clock stands at 07:00")
        laptop = stack.enter_context(Laptop(layout, screen.say))
        system = System(laptop)
        sites = shipped_sites(layout, laptop.azure["sites"], SERVICE)
        try:
            return Story(system, screen, _rings(layout), sites).tell()
        except NotShown:
            err().print(Text("\n".join(["The host's last lines:", *laptop.tail(FUNCTIONS)]), style="dim"))
            raise


def _rings(layout: SaasLayout) -> list[Ring]:
    """Those of the shipped pipeline, in its order."""
    text = (layout.root / "pipelines" / PIPELINE).read_text(encoding="utf-8")
    return [
        Ring(stage.ring.name, stage.canary.source.role, stage.canary.source.workspace, stage.targets[0].name)
        for stage in compile_plan(read_pipeline(text, PIPELINE), digest_of(text)).stages
        if stage.ring and stage.canary
    ]
