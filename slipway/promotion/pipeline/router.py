"""`router:` of a canary: what divides the traffic, and for a Front Door where it stands."""

import re
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from slipway.promotion import canary_plan as plan
from slipway.promotion import front_door
from slipway.promotion.kinds import ROUTERS
from slipway.promotion.kinds.front_door import SETTLE_S
from slipway.promotion.kinds.switches import DNS_SWITCH, TRAFFIC_MANAGER_SWITCH
from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.headers import HeaderName, HeaderText
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.units import DURATION_SCHEMA, between, refusal
from slipway.promotion.pipeline.vocabulary import choice, choice_schema

_PROFILE = re.compile(
    r"/subscriptions/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/resourceGroups/[-\w.()]{1,90}/providers/"
    r"Microsoft\.Cdn/profiles/[a-z0-9][-a-z0-9]{0,258}[a-z0-9]\Z",
    re.IGNORECASE | re.ASCII,
)
_PART = "[A-Za-z0-9]([-A-Za-z0-9]{0,88}[A-Za-z0-9])?"
_RULE_SET = "[A-Za-z][A-Za-z0-9]{0,259}"
_ENDPOINT = "(https://[A-Za-z0-9.-]+|http://(127\\.0\\.0\\.1|localhost))(:[0-9]{1,5})?"  # plain on loopback
_COOKIE = "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}"
_COOKIE_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]{1,200}\Z")
OF_FRONT_DOOR = ("profile", "origin_group", "live", "idle", "endpoint", "stop_on_harm", "testers")


def _profile(text: str) -> str:
    if _PROFILE.match(text):
        return text
    raise refusal(
        "INVALID_RESOURCE",
        f"{quoted(text)} is not the resource id of a Front Door: /subscriptions/<guid>/resourceGroups/"
        "<group>/providers/Microsoft.Cdn/profiles/<name>",
    )


def _endpoint(text: str) -> str:
    if re.fullmatch(_ENDPOINT, text):
        return text
    shorter = re.sub("^http://", "https://", text.rstrip("/"))
    words = f"{quoted(text)} is not an endpoint: write https://<host>, without a path"
    raise refusal("INVALID_VALUE", words, shorter if re.fullmatch(_ENDPOINT, shorter) else "")


def _router(written: Any) -> Any:
    if written == DNS_SWITCH.section:
        words = "a DNS record has no weights: it sends all users to one side; take blue-green, or traffic-manager"
        raise refusal("NO_ROUTER", words, TRAFFIC_MANAGER_SWITCH.section)
    return choice(*ROUTERS)(written)


ProfileId = Annotated[
    str,
    AfterValidator(_profile),
    WithJsonSchema({"type": "string", "pattern": "^/subscriptions/.+/[Mm]icrosoft.[Cc]dn/profiles/[^/]+$"}),
]
Part = Annotated[str, Field(pattern=f"^{_PART}$")]
RuleSetName = Annotated[str, Field(pattern=f"^{_RULE_SET}$")]
Endpoint = Annotated[str, AfterValidator(_endpoint), WithJsonSchema({"type": "string", "pattern": f"^{_ENDPOINT}$"})]
CookieName = Annotated[str, Field(pattern=f"^{_COOKIE}$")]
Settle = Annotated[float, BeforeValidator(between("0s", "1h")), DURATION_SCHEMA]
RouterKind = Annotated[str, BeforeValidator(_router), choice_schema(*ROUTERS)]
_ON_DOUBT = (plan.WAIT, plan.IGNORE)
_STOPS = {"when-it-pays": front_door.WHEN_IT_PAYS, "always": front_door.ALWAYS, "never": front_door.NEVER}
StopOnHarm = Annotated[str, BeforeValidator(choice(*_STOPS)), choice_schema(*_STOPS)]
OnDoubt = Annotated[str, BeforeValidator(choice(*_ON_DOUBT)), choice_schema(*_ON_DOUBT)]


class FrontDoorTesters(Section):
    """Who meets the new release at any share, through a rule of the Front Door."""

    called: ClassVar[str] = "testers"

    header: HeaderName | None = key("Requests with this header, of the value below.", None)
    cookie: CookieName | None = key("Requests with this cookie, of the value below; instead of header.", None)
    value: HeaderText = key("The value that makes a request a tester's. It is no secret: it stands in the rule.")
    rule_set: RuleSetName | None = key(
        "The rule set in which the rule is made; a route of the endpoint must have it. Rings have their own.", None
    )
    origin_group: Part | None = key(
        "The origin group that they are sent to; its only origin is the idle side. Rings have their own.", None
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.header is None) == (self.cookie is None):
            raise refusal("CONFLICTING_KEYS", 'testers have either "header" or "cookie"')
        if self.cookie is not None and not _COOKIE_VALUE.match(self.value):
            raise refusal("INVALID_VALUE", f"{quoted(self.value)} cannot be the value of a cookie")
        return self

    def plan(self) -> front_door.Testers:
        named = {"header": self.header or "", "cookie": self.cookie or ""}
        return front_door.Testers(self.rule_set or "", self.origin_group or "", self.value, **named)


class RingTesters(Section):
    """Where the testers of a ring are sent."""

    called: ClassVar[str] = "a ring's testers"

    rule_set: RuleSetName = key("The ring's own rule set; the route of its endpoint must have it.")
    origin_group: Part = key("The ring's own origin group for testers; its only origin is the ring's idle side.")


class Origins(Section):
    """Where a ring stands at the Front Door of its stage: nothing of it is another ring's."""

    called: ClassVar[str] = "origins"

    origin_group: Part = key("The ring's own origin group, with both its sides and no other ring's.")
    live: Part = key("The origin of the live side.")
    idle: Part = key("The origin of the idle side.")
    endpoint: Endpoint = key("The ring's own endpoint: what it answers is the ring's.")
    testers: RingTesters | None = key("Where the stage's testers are sent in this ring.", None)

    @model_validator(mode="after")
    def _are_two(self) -> Self:
        _check_sides(self.live, self.idle)
        return self


def _check_sides(live: str | None, idle: str | None) -> None:
    """Azure's names differ in more than the size of their letters."""
    if live is not None and idle is not None and live.lower() == idle.lower():
        raise refusal("CONFLICTING_KEYS", "the live and the idle side are two origins")


class Router(Section):
    """What divides the traffic."""

    called: ClassVar[str] = "a router"

    kind: RouterKind | None = key("The kind of router; else the one of the targets.", None)
    settle: Settle | None = key("How long a change takes until users meet it; else as the kind says.", None)
    unmet: OnDoubt = key("Users meet clearly less than the share that was set: wait, or ignore.", "wait")
    profile: ProfileId | None = key("Of a Front Door: the resource id of its profile.", None)
    origin_group: Part | None = key("Of a Front Door: the origin group with both sides.", None)
    live: Part | None = key("Of a Front Door: the origin of the live side.", None)
    idle: Part | None = key("Of a Front Door: the origin of the idle side, the slot's.", None)
    endpoint: Endpoint | None = key("Of a Front Door: the address that users ask.", None)
    stop_on_harm: StopOnHarm = key(
        "Of a Front Door: stop a harmful release's slot at once, so that edges drop it: when-it-pays, always, never.",
        "when-it-pays",
    )
    testers: FrontDoorTesters | None = key("Of a Front Door: who meets the new release at any share.", None)

    @model_validator(mode="after")
    def _knows_its_place(self) -> Self:
        written = [name for name in OF_FRONT_DOOR if name in self.model_fields_set]
        if self.kind != front_door.KIND and written:
            raise refusal("CONFLICTING_KEYS", f"{quoted(written[0])} is of a router of the kind {front_door.KIND}")
        if self.kind != front_door.KIND:
            return self
        if self.profile is None:
            raise refusal("MISSING_KEY", f'a router of the kind {front_door.KIND} needs "profile"')
        if (self.live is None) != (self.idle is None):
            raise refusal("MISSING_KEY", f"a router of the kind {front_door.KIND} has both origins, live and idle")
        _check_sides(self.live, self.idle)
        if self.settle is not None and self.settle < SETTLE_S:
            words = f"Front Door takes up to {SETTLE_S / 60:g} minutes until all its edges have a change"
            raise refusal("SETTLE_TOO_SHORT", words, f"{SETTLE_S / 60:g}m")
        return self

    def of_ring(self, origins: Origins | None) -> "Router":
        """The router of a ring that stands at these origins; the same one where it has none of its own."""
        if origins is None:
            return self
        own: dict[str, object] = {name: getattr(origins, name) for name in ("origin_group", "live", "idle", "endpoint")}
        if self.testers and origins.testers:
            own["testers"] = self.testers.model_copy(update=origins.testers.model_dump())
        return self.model_copy(update=own)

    def front_door(self) -> front_door.FrontDoor | None:
        """The Front Door that it is, if it is one whose origins are known."""
        profile, group, live, idle, endpoint = self.profile, self.origin_group, self.live, self.idle, self.endpoint
        if self.kind != front_door.KIND or not (profile and group and live and idle and endpoint):
            return None
        testers = self.testers.plan() if self.testers else None
        return front_door.FrontDoor(profile, group, live, idle, endpoint, _STOPS[self.stop_on_harm], testers)
