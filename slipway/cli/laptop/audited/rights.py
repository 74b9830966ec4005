"""The scenes of rights: Slipway has the roles that `slipway roles` prints for this pipeline, and Azure refuses more."""

from slipway.cli.laptop.audited.system import ARM, STORAGE, System
from slipway.cli.laptop.following import claim
from slipway.cli.laptop.screen import Screen

SITE = (
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop/providers/Microsoft.Web/sites/payments-weu"
)


def no_more_than_its_roles(system: System, screen: Screen) -> None:
    """Slipway's own identity tries what its pipeline needs not. Raises NotShown when Azure lets it."""
    given, asked = system.given(), system.asked()
    claim(asked <= given, f"Slipway asked for what nobody gave it: {asked - given}")
    screen.shown(
        f"Slipway has used {len(asked)} of the {len(given)} actions that it has, by `slipway roles` for this pipeline "
        "and for its own tables and trail, and no others"
    )
    status, text = system.as_slipway("DELETE", ARM, f"{SITE}?api-version=2024-04-01")
    claim(status == 403 and "AuthorizationFailed" in text, f"Azure answers {status}: {text[:200]}")
    screen.shown("with Slipway's own identity, deleting production's App Service is refused: AuthorizationFailed")
    chain = "/blob/audit/payments--1.1.0"
    status, text = system.as_slipway("DELETE", STORAGE, chain)
    claim(status == 403 and "AuthorizationPermissionMismatch" in text, f"storage answers {status}: {text[:200]}")
    screen.shown("so is deleting from its own audit trail: it may append and read, no more")
