"""The DNS adapter on the official SDK: a record that names one of two sides, as a switch."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import requests

from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.dns import DnsSwitch
from slipway.adapters.dns.record import Record, Shown, place_of
from slipway.adapters.platforms import router_of
from slipway.adapters.switches import switch_of
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plan import Target
from slipway.promotion.port_values import SwitchState
from tests.laptop import AzureStandin
from tests.laptop_holds import ZONE, network, public_ip
from tests.patience import AZURES, wait_a_little

OLD, NEW = "1.0.0", "2.0.0"  # blue's and green's
WWW = f"/dnsZones/{ZONE}/CNAME/www"
NAMES = {"blue": f"blue.{ZONE}", "green": f"green.{ZONE}"}
ADDRESSES = {"blue": public_ip("blue"), "green": public_ip("green")}


@dataclass
class Named:
    """A record that names one of two sites: `www` a name, `root` an address of Azure's."""

    azure: AzureStandin
    record: str = "CNAME/www"
    ttl_s: float = 1.0

    @property
    def says(self) -> dict[str, str]:
        return NAMES if self.record == "CNAME/www" else ADDRESSES

    @property
    def target(self) -> Target:
        sites = self.azure.ready["sites"]
        reached = {side: sites[f"side-{side}"] for side in ("blue", "green")}
        record = network(f"dnsZones/{ZONE}/{self.record}")
        return self.azure.switched("dns", record=record, ttl=self.ttl_s, addresses=reached, **self.says)

    @property
    def switch(self) -> DnsSwitch:
        return DnsSwitch(self.azure.settings, settle_s=1.5, name_servers_s=0.0)

    @property
    def shown(self) -> Shown:
        return Record(self.azure.settings, place_of(self.target)).show()

    @property
    def state(self) -> SwitchState:
        return self.switch.read(self.target)

    def start(self, side: str = "green", resuming: bool = False) -> Answer:
        return self.switch.start(self.target, side, "op", resuming)

    def poll(self, answer: Answer, side: str = "green") -> Answer:
        return self.switch.poll(self.target, answer.handle, side)

    def ended(self, answer: Answer, side: str = "green") -> Answer:
        deadline = time.monotonic() + AZURES * 30
        while answer.running:
            assert time.monotonic() < deadline, answer
            wait_a_little(answer, 0.05)
            answer = self.poll(answer, side)
        return answer

    def to(self, side: str) -> Answer:
        return self.ended(self.start(side), side)

    def by_somebody(self, **properties: Any) -> None:
        """A write that is not ours."""
        type, name = self.record.split("/")
        body: Any = {"properties": properties}
        Record(self.azure.settings, place_of(self.target)).client.record_sets.update("shop", ZONE, name, type, body)

    def names(self, side: str) -> None:
        """Somebody has it name that side, at once and with the usual TTL."""
        said = self.says[side]
        pointed = {"targetResource": {"id": said}} if said.startswith("/") else {"CNAMERecord": {"cname": said}}
        self.by_somebody(TTL=1, **pointed)

    def met(self, requests_: int) -> Counter[str]:
        name = f"{self.record.split('/')[1]}.{ZONE}"
        with requests.Session() as user:
            url = f"{self.azure.ready['sites'][name]}/version"
            return Counter(user.get(url, timeout=30).json()["version"] for _ in range(requests_))


@pytest.fixture
def www(azure: AzureStandin) -> Iterator[Named]:
    www = Named(azure)
    yield www
    azure.forget_faults()
    www.names("blue")
    www.by_somebody(metadata={})


@pytest.fixture
def root(azure: AzureStandin) -> Iterator[Named]:
    root = Named(azure, "A/root")
    yield root
    root.names("blue")


def test_all_users_are_sent_to_the_other_side_and_back_when_resolvers_have_forgotten(www: Named) -> None:
    sites = www.azure.ready["sites"]
    sides = {side: sites[f"side-{side}"] for side in ("blue", "green")}
    assert www.state == SwitchState("blue", sites[f"www.{ZONE}"], sides)
    www.met(100)  # by now every resolver keeps an answer
    answer = www.start()
    while answer.handle["kind"] != "settling":
        written_at, answer = time.monotonic(), www.poll(answer)
    assert answer.running and "answers from before may live for" in answer.words
    assert www.state.side == "green"
    answer = www.ended(answer)
    assert time.monotonic() - written_at >= 1.0
    assert (answer.outcome, answer.result) == (Outcome.PASSED, {"side": "green", "observed": NEW, "old_answers_s": 1.0})
    assert www.met(60) == {NEW: 60}
    assert www.to("blue").result["observed"] == OLD and www.met(60) == {OLD: 60}


def test_an_alias_is_switched_as_an_alias(root: Named) -> None:
    assert root.state.side == "blue" and root.shown.alias
    assert root.to("green").result["observed"] == NEW
    assert root.shown.points_at == public_ip("green") and root.shown.alias and root.met(40) == {NEW: 40}


def test_a_switch_that_is_there_already_is_a_no_op_that_says_so(www: Named) -> None:
    before = www.shown
    answer = www.start("blue")
    assert answer.outcome is Outcome.PASSED and answer.words == "www.shop.example already names blue.shop.example"
    assert www.shown == before


def test_a_ttl_that_is_too_long_is_lowered_first_and_waited_out(www: Named) -> None:
    www.by_somebody(TTL=2)
    answer = www.start()
    assert answer.running and "brought down from 2 s first" in answer.words and www.shown.ttl_s == 2
    answer = www.poll(answer)
    waits_s = answer.after_s
    assert (www.shown.ttl_s, www.state.side) == (1, "blue") and waits_s == 2.0
    began = time.monotonic()
    while www.state.side == "blue":
        answer = www.ended(answer) if time.monotonic() - began > 30 else www.poll(answer)
    assert time.monotonic() - began >= 1.8
    assert www.ended(answer).result["observed"] == NEW and www.shown.ttl_s == 1


def test_a_ttl_that_was_lowered_a_moment_ago_by_an_operation_that_ended_is_still_waited_out(www: Named) -> None:
    www.by_somebody(TTL=3600, metadata={"owner": "shop"})
    www.poll(www.start())
    assert www.shown.ttl_s == 1 and www.shown.metadata["owner"] == "shop"
    again = www.start()
    assert again.running and again.after_s > 3590 and "the old TTL" in again.words and www.state.side == "blue"
    www.names("green")
    settling = www.start(resuming=True)
    assert settling.running and "answers from before may live for 3" in settling.words, "users may follow in an hour"


def test_a_shorter_ttl_that_is_lowered_later_does_not_shorten_the_wait_for_the_longer_one(www: Named) -> None:
    www.by_somebody(TTL=3600)
    www.poll(www.start())
    www.by_somebody(TTL=2)
    lowered = www.poll(www.start())
    assert lowered.after_s == 2.0 and www.shown.ttl_s == 1
    still = www.poll(replace(lowered, handle={**lowered.handle, "until": "2020-01-01T00:00:00Z"}))
    assert still.running and still.after_s > 3590 and www.state.side == "blue"


def test_name_servers_have_a_minute_to_hear_of_each_write(www: Named) -> None:
    www.by_somebody(TTL=2)
    switch = DnsSwitch(www.azure.settings, name_servers_s=60.0)
    waits = switch.poll(www.target, switch.start(www.target, "green", "op", False).handle, "green")
    assert waits.after_s == 62.0
    www.by_somebody(metadata={})
    www.names("green")
    settling = switch.start(www.target, "green", "op", True)
    assert settling.running and settling.handle["kind"] == "settling" and "for 61 s more" in settling.words


def test_plain_addresses_are_somebody_elses_and_no_alias_is_made_of_them(root: Named) -> None:
    before = root.shown
    properties = {"TTL": 1, "ARecords": [{"ipv4Address": "10.0.0.4"}], "targetResource": {}, "fqdn": "root."}
    body = {"name": "root", "etag": before.etag, "properties": properties}
    root.azure.fault("GET", "/A/root", answer={"status": 200, "body": body})
    answer = root.start()
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "SWITCHED_ELSEWHERE") and "names 10.0.0.4" in answer.words
    assert root.shown == before


def test_a_lowering_whose_answer_is_lost_still_waits_for_the_old_ttl(www: Named) -> None:
    www.by_somebody(TTL=3600)
    answer = www.start()
    www.azure.fault("PATCH", WWW, drop="after")
    answer = www.poll(answer)
    assert answer.running and answer.code == "AZURE_UNKNOWN" and www.shown.ttl_s == 1
    answer = www.poll(answer)
    assert answer.running and answer.after_s == 3600.0 and www.state.side == "blue"


def test_a_ttl_that_is_shorter_than_asked_for_stays(www: Named) -> None:
    www.by_somebody(TTL=1)
    patient = replace(www, ttl_s=60.0)
    assert patient.to("green").result["old_answers_s"] == 1.0 and www.shown.ttl_s == 1


def test_a_ttl_that_somebody_raises_again_meanwhile_ends_the_switch(www: Named) -> None:
    www.by_somebody(TTL=2)
    answer = www.poll(www.start())
    www.by_somebody(TTL=600)
    answer = www.ended(answer)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "SWITCH_NOT_APPLIED") and www.state.side == "blue"


def test_the_type_of_a_record_is_read_where_it_stands() -> None:
    id = "/subscriptions/1/resourceGroups/A/providers/Microsoft.Network/dnsZones/cname.example/aaaa/@"
    place = place_of(Target("weu", "aks", "", "", settings={"dns": {"record": id, **ADDRESSES}}))
    assert (place.type, place.name, place.called) == ("AAAA", "@", "cname.example")


def test_a_record_that_names_something_third_is_somebody_elses(www: Named) -> None:
    www.by_somebody(CNAMERecord={"cname": "maintenance.shop.example"})
    assert www.state.side == ""
    answer = www.start()
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "SWITCHED_ELSEWHERE")
    assert "www.shop.example names maintenance.shop.example" in answer.words


def test_a_write_of_somebody_else_in_between_is_read_again(www: Named) -> None:
    client = Record(www.azure.settings, place_of(www.target)).client
    before: Any = client.record_sets.get("shop", ZONE, "www", "CNAME").serialize(keep_readonly=True)
    www.by_somebody(metadata={"by": "somebody"})
    www.azure.fault("GET", WWW, answer={"status": 200, "body": before})  # as it was read just before
    answer = www.start()
    assert answer.running and "PreconditionFailed" in answer.words and www.state.side == "blue"
    assert www.ended(answer).outcome is Outcome.PASSED


def test_what_somebody_puts_back_before_it_has_settled_is_not_fought_over(www: Named) -> None:
    answer = www.poll(www.start())
    assert answer.handle["kind"] == "settling"
    www.names("blue")
    answer = www.poll(answer)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "SWITCH_NOT_APPLIED") and "somebody else" in answer.words


def test_what_is_no_alias_is_not_made_one(www: Named) -> None:
    sections = {"dns": {**www.target.settings["dns"], "green": public_ip("green")}}
    answer = www.switch.start(replace(www.target, settings=sections), "green", "op", False)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "SWITCH_REFUSED") and "is no alias" in answer.words


@pytest.mark.parametrize("status", [409, 412, 429, 500, 503])
def test_what_may_pass_is_tried_again(www: Named, status: int) -> None:
    flat = {"code": "Conflict", "message": "Another operation is pending for requested object."}
    www.azure.fault("PATCH", WWW, answer={"status": status, "body": flat, "headers": {"Retry-After": "7"}})
    started = www.start()
    assert started.running and started.after_s == 7.0 and "Another operation is pending" in started.words
    assert www.ended(started).outcome is Outcome.PASSED
    assert www.azure.faults_left() == []


def test_an_azure_that_fails_for_ever_is_asked_until_the_operations_time_is_over(www: Named) -> None:
    www.azure.fault("PATCH", WWW, times=50, answer={"status": 500})
    answer = www.start()
    for _ in range(4):
        assert answer.running and "Azure is not available" in answer.words
        answer = www.poll(answer)
    assert www.state.side == "blue"


def test_an_expired_token_is_refreshed_where_azure_asks_for_it(www: Named) -> None:
    challenge = 'Bearer authorization_uri="https://login", error="insufficient_claims", claims="eyJhIjoxfQ=="'
    www.azure.fault("PATCH", WWW, answer={"status": 401, "headers": {"WWW-Authenticate": challenge}})
    started = www.start()
    assert started.running and started.handle["kind"] == "written" and www.azure.faults_left() == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_told_in_azures_words(www: Named, status: int) -> None:
    action = "Microsoft.Network/dnsZones/CNAME/write"
    refusal = {"error": {"code": "AuthorizationFailed", "message": f"not allowed to perform action '{action}'"}}
    times = 2 if status == 401 else 1  # with a new token, too
    www.azure.fault("PATCH", WWW, times=times, answer={"status": status, "body": refusal})
    answer = www.start()
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "SWITCH_REFUSED")
    assert f"lacks the action {action}" in answer.words


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (network(f"dnsZones/{ZONE}/CNAME/none"), "NotFound: The resource record 'none' does not exist"),
        (network("dnsZones/none.example/CNAME/www"), "was not found"),
        (network(f"dnsZones/{ZONE}/TXT/www"), "is not the resource id of a record"),
    ],
)
def test_what_is_not_there_is_refused_by_name(www: Named, record: str, words: str) -> None:
    target = www.azure.switched("dns", record=record, **NAMES)
    answer = www.switch.start(target, "green", "op", False)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "SWITCH_REFUSED") and words in answer.words


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_write_whose_answer_is_lost_is_looked_for_first(www: Named, drop: str) -> None:
    www.azure.fault("PATCH", WWW, drop=drop)
    started = www.start()
    assert started.running and started.code == "AZURE_UNKNOWN"
    etag = www.shown.etag
    ended = www.ended(started)
    assert ended.result == {"side": "green", "observed": NEW, "old_answers_s": 1.0}, "it is waited for, too"
    assert (www.shown.etag == etag) == (drop == "after"), "what was done is not done twice"


@pytest.mark.parametrize("body", ["{nonsense", "[]"])
def test_an_answer_that_cannot_be_read_is_asked_for_again(www: Named, body: str) -> None:
    json_ = {"Content-Type": "application/json"}
    www.azure.fault("GET", WWW, answer={"status": 200, "body": body, "headers": json_})
    started = www.start()
    assert started.running and started.code == "AZURE_UNKNOWN"
    assert www.poll(started).handle["kind"] == "written"


def test_a_change_that_is_accepted_and_not_kept_is_broken_in_the_end(www: Named) -> None:
    www.azure.fault("PATCH", WWW, times=9, answer={"status": 200, "body": {}})
    answer = www.to("green")
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "SWITCH_NOT_APPLIED")


def test_success_that_is_not_visible_yet_is_waited_for(www: Named) -> None:
    client = Record(www.azure.settings, place_of(www.target)).client
    before: Any = client.record_sets.get("shop", ZONE, "www", "CNAME").serialize(keep_readonly=True)
    started = www.start()
    www.azure.fault("GET", WWW, times=1, answer={"status": 200, "body": before})
    late = www.poll(started)
    assert late.running and "names blue.shop.example, and green.shop.example was written" in late.words
    assert www.poll(late).handle["kind"] == "settling"


def test_a_start_that_is_repeated_waits_for_the_old_answers_once_more(www: Named) -> None:
    www.names("green")
    answer = www.start(resuming=True)
    assert answer.running and answer.handle["kind"] == "settling"


def test_a_side_that_says_no_version_is_not_taken_for_met(www: Named) -> None:
    www.azure.fault("GET", "/version", times=1000, site="side-green", answer={"status": 500})
    assert www.to("green").result == {"side": "green", "observed": "", "old_answers_s": 1.0}


def test_the_section_of_a_target_chooses_the_adapter_and_no_share_can_be_set(www: Named) -> None:
    assert isinstance(switch_of(www.target), DnsSwitch)
    with pytest.raises(AzureProblem, match="no adapter serves"):
        router_of(www.target)
