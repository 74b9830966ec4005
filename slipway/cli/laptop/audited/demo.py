"""`slipway demo --audit`: a day that an auditor asks about, in virtual time; what is claimed was seen, or it fails."""

from pathlib import Path

from rich.console import Console

from slipway.cli.laptop.audited.evidence import Signer
from slipway.cli.laptop.audited.layout import AuditedLayout
from slipway.cli.laptop.audited.story import Story
from slipway.cli.laptop.audited.summary import Audited
from slipway.cli.laptop.audited.system import System
from slipway.cli.laptop.layout import ANY_PORTS, checkout
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.supervisor import Laptop
from slipway.cli.laptop.virtual import telling

INTRODUCTION = (
    "A day of `payments`, at a company that is audited. Production asks for coverage, a clean scan, provenance signed "
    "by CI, and two people of two groups, none of them the author. Some builds are stopped, one waits for its proof, "
    "one for the end of a freeze, and a yes does not outlive the evidence that it was given on. In the end an auditor "
    "takes one file away, verifies it without any server, and prints a report.\n"
    "Time is virtual: the clock stands, and the demo moves it; its times, in UTC, are on the left. Real are the "
    "Service Bus message, the orchestrators, the files of evidence and their signatures, the rights that Slipway's "
    "identity has (those of `slipway roles`, no more), the hash chains and the signed checkpoints. It takes about a "
    "minute.\n"
)


def tell(console: Console, folder: Path, files: Path) -> Audited:
    """The story on a system in the empty `folder`; what the auditor takes away comes into `files`. Raises NotShown,
    ChildDied, Failure as the API does."""
    console.print(INTRODUCTION, width=min(console.width, 100))
    ci = Signer()
    layout = AuditedLayout(checkout(), folder, ANY_PORTS, True, telling.STARTS_AT, public_key=ci.public_key)

    def use(laptop: Laptop) -> System:
        return System(laptop, ci, layout.rights)

    def story(system: System, screen: Screen) -> Audited:
        return Story(system, screen, files).tell()

    return telling.tell(console, layout, use, story)
