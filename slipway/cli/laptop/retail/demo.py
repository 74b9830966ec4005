"""`slipway demo --retail`: a season of a shop on AKS in virtual time; what is claimed was seen, or the demo fails."""

from pathlib import Path

from rich.console import Console

from slipway.cli.laptop.layout import ANY_PORTS, checkout
from slipway.cli.laptop.retail.story import Story
from slipway.cli.laptop.retail.summary import Season
from slipway.cli.laptop.retail.system import INSTEAD, KEEP, KEEP_HERE, PIPELINE, System
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.supervisor import Laptop
from slipway.cli.laptop.virtual import telling
from slipway.cli.laptop.virtual.layout import OnePipeline

INTRODUCTION = (
    "A shop on AKS, `storefront`: dev after CI, staging when QA signs off, production in two regions by a switch, one "
    "with Traffic Manager and one with DNS, on a database that is expanded before and contracted after. A sound build "
    "reaches all users; one that every test passes dies of what users do, and both regions go back; one is stopped by "
    "its integration tests.\n"
    "Time is virtual: the clock stands, and the demo moves it; its times are on the left. Real are CI's event on the "
    "queue, put there with the plain Service Bus SDK, the orchestrators, Helm's commands in a shell, the jobs, the SQL "
    "on two SQLite files, the web servers, the load, and every user's request. Azure is played: four seconds of "
    f"requests stand for ten minutes of load, and the old side is kept for {KEEP_HERE}, not {KEEP}. It takes one to "
    "three minutes.\n"
)


def tell(console: Console, folder: Path) -> Season:
    """The story on a system in the empty `folder`. Raises NotShown, ChildDied, Failure as the API does."""
    console.print(INTRODUCTION, width=min(console.width, 100))
    layout = OnePipeline(checkout(), folder, ANY_PORTS, True, telling.STARTS_AT, file=PIPELINE, instead=INSTEAD)

    def use(laptop: Laptop) -> System:
        return System(laptop, layout)

    def story(system: System, screen: Screen) -> Season:
        return Story(system, screen).tell()

    return telling.tell(console, layout, use, story)
