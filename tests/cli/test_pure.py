"""`lint` and `plan` read files, and need no server; `plan --live` asks one."""

import json
from pathlib import Path
from typing import Any

import pytest

from slipway.cli.plan_view import in_order
from slipway.promotion.pipeline import compile_plan, digest_of, read_pipeline
from tests.cli.api_server import ApiServer
from tests.cli.builders import ASKS, FIRST, HELD, NEEDS, a_problem, at, may_promote
from tests.cli.conftest import Slipway
from tests.promotion.pipeline_texts import a_pipeline, a_stage, a_target, site
from tests.promotion.test_pipeline_front_door import PLACE, SIDES, TESTERS
from tests.promotion.test_pipeline_front_door import ramped as fronted
from tests.promotion.test_pipeline_switches import CANARY, DIVIDED, NAMED, a_switched

SHIPPED = Path(__file__).parents[2] / "pipelines" / "checkout.yaml"


@pytest.fixture
def offline(slipway: Slipway, monkeypatch: pytest.MonkeyPatch) -> Slipway:
    monkeypatch.setenv("SLIPWAY_URL", "http://127.0.0.1:1")
    return slipway


def test_the_shipped_pipeline_is_clean(offline: Slipway) -> None:
    result = offline("lint", str(SHIPPED))
    assert result.exit_code == 0
    assert result.stdout == "✓ 1 pipeline, nothing to mend\n"


def test_a_finding_names_file_line_and_the_word_that_was_meant(offline: Slipway, tmp_path: Path) -> None:
    text = SHIPPED.read_text().replace("    approval:\n", "    aproval:\n")
    (tmp_path / "shop.yaml").write_text(text)
    result = offline("lint", "shop.yaml")
    line = text.splitlines().index("    aproval:") + 1
    assert result.exit_code == 7
    assert f"shop.yaml:{line}:" in result.stdout
    assert 'did you mean "approval"?' in result.stdout


def test_findings_of_all_files_are_one_document(offline: Slipway, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("service: A\n")
    (tmp_path / "b.yaml").write_text("[")
    result = offline("lint", "a.yaml", "b.yaml", "--json")
    assert {finding["file"] for finding in json.loads(result.stdout)["findings"]} == {"a.yaml", "b.yaml"}


def test_flags_that_two_of_the_files_change_are_found(offline: Slipway, tmp_path: Path) -> None:
    for service in ("shop", "cart"):
        text = a_pipeline(a_stage("dev", "    flags: [{name: banner}]\n"))
        (tmp_path / f"{service}.yaml").write_text(text.replace("service: shop", f"service: {service}"))
    assert offline("lint", "shop.yaml").exit_code == offline("lint", "cart.yaml").exit_code == 0
    result = offline("lint", "shop.yaml", "cart.yaml")
    assert result.exit_code == 7 and "1 finding in 2 pipelines" in result.stdout
    assert 'SHARED_FLAG the flag "banner" is changed by shop.yaml' in result.stdout


def test_two_pipelines_that_claim_the_same_builds_are_a_finding(offline: Slipway, tmp_path: Path) -> None:
    claim = "builds: [{github: {repository: shop/checkout, version: '1.4.{run_number}'}}]\n"
    (tmp_path / "a.yaml").write_text(a_pipeline(top=claim))
    (tmp_path / "b.yaml").write_text(a_pipeline(top=claim).replace("service: shop", "service: checkout"))
    result = offline("lint", "a.yaml", "b.yaml")
    assert result.exit_code == 7
    assert "b.yaml:1:1: CLAIMED_TWICE GitHub: repository shop/checkout, workflow ci.yml" in result.stdout
    assert offline("lint", "a.yaml").exit_code == offline("lint", "b.yaml").exit_code == 0


def test_a_plan_says_whose_builds_it_takes(offline: Slipway, tmp_path: Path) -> None:
    (tmp_path / "silent.yaml").write_text(a_pipeline())
    claim = "builds: [{azure-devops: {project: shop, definition: shop-ci}}, {registry: {repository: a/b, tags: v*}}]\n"
    (tmp_path / "claims.yaml").write_text(a_pipeline(top=claim))
    said = offline("plan", "claims.yaml").stdout
    assert "builds of Azure DevOps: project shop, definition shop-ci\n" in said
    assert "builds of a container registry: repository a/b, tags v*\n" in said
    assert "builds of GitHub: repository shop, workflow ci.yml\n" in offline("plan", "silent.yaml").stdout
    assert json.loads(offline("plan", "claims.yaml", "--json").stdout)["builds"][0].startswith("Azure DevOps")


def test_a_plan_says_which_code_hosts_are_told(offline: Slipway, tmp_path: Path) -> None:
    report = "report: [{github: {repository: shop/storefront, secret: github-token}}]\n"
    claim = "builds: [{github: {repository: shop/storefront}}]\n"
    (tmp_path / "told.yaml").write_text(a_pipeline(top=claim + report))
    assert "tells GitHub, shop/storefront\n" in offline("plan", "told.yaml").stdout
    assert json.loads(offline("plan", "told.yaml", "--json").stdout)["tells"] == ["GitHub, shop/storefront"]
    (tmp_path / "told.yaml").write_text(a_pipeline(top=report))
    said = " ".join(offline("plan", "told.yaml").stdout.split())
    assert "tells GitHub, shop/storefront, but of no build of a container registry" in said


def test_a_file_that_is_not_there_is_wrong_usage(offline: Slipway) -> None:
    assert offline("lint", "nothing.yaml").exit_code == 2
    assert offline("plan", "nothing").exit_code == 2


def test_a_file_that_is_not_text_is_a_finding_and_hides_no_others(offline: Slipway, tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"ab\xff\xfe\x00")
    (tmp_path / "shop.yaml").write_text("service: Shop\n")
    spoken = offline("lint", "binary.yaml", "shop.yaml")
    assert spoken.exit_code == 7
    assert "binary.yaml:1:1: NOT_TEXT is not UTF-8 text" in spoken.stdout
    assert "shop.yaml:1:10: INVALID_NAME" in spoken.stdout
    written = offline("lint", "shop.yaml", "binary.yaml", "--json")
    assert written.exit_code == 7
    found = [(each["file"], each["code"]) for each in json.loads(written.stdout)["findings"]]
    assert ("shop.yaml", "INVALID_NAME") in found
    assert found[-1] == ("binary.yaml", "NOT_TEXT")
    planned = offline("plan", "binary.yaml")
    assert (planned.exit_code, planned.stdout.split()[1]) == (7, "NOT_TEXT")


def test_a_plan_of_a_misspelled_service_or_file_names_the_nearest(offline: Slipway, tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "checkout.yaml").write_text(SHIPPED.read_text())
    for misspelled, meant in (("chekout", "checkout"), ("pipelines/chekout.yaml", "pipelines/checkout.yaml")):
        result = offline("plan", misspelled)
        assert result.exit_code == 2
        assert f"did you mean {meant}?" in result.stderr


def test_a_service_is_found_among_ones_own_pipelines_before_the_laptops(offline: Slipway, tmp_path: Path) -> None:
    for folder, owner in (("pipelines", "team-laptop"), ("services", "team-shop")):
        (tmp_path / folder).mkdir()
        text = SHIPPED.read_text().replace("owner: team-checkout", f"owner: {owner}")
        (tmp_path / folder / "checkout.yaml").write_text(text)
    assert "owner team-shop" in offline("plan", "checkout").stdout
    (tmp_path / "services" / "checkout.yaml").unlink()
    assert "owner team-laptop" in offline("plan", "checkout").stdout


def test_a_plan_says_what_happens_stage_by_stage(offline: Slipway) -> None:
    page = offline("plan", str(SHIPPED), "--version", "1.2.3").stdout
    assert [line for line in page.splitlines() if line[:1].isdigit()] == [
        "1. dev",
        "2. test  after dev",
        "3. staging  after test",
        "4. production  after staging",
    ]
    assert "checkout/1.2.3.zip" in page
    assert "1 of role:release-manager, not the author, within 8 h" in page
    assert "load 40/s on / for 4 s: p95 at most 300 ms, errors at most 5 %" in page
    words = " ".join(page.split())
    assert "load 60/s on / for 4 s: p95 at most 300 ms, errors at most 5 %, and not worse than the previous" in words
    assert "way back" in page
    assert max(len(line) for line in page.splitlines()) <= 110


def test_a_service_is_looked_up_in_the_folder_of_pipelines(offline: Slipway, tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "checkout.yaml").write_text(SHIPPED.read_text())
    document = json.loads(offline("plan", "checkout", "--json").stdout)
    assert [stage["name"] for stage in document["stages"]] == ["dev", "test", "staging", "production"]


def test_a_plan_of_a_broken_pipeline_shows_the_findings(offline: Slipway, tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text("service: Shop\n")
    result = offline("plan", "shop.yaml")
    assert result.exit_code == 7
    assert "shop.yaml:1:" in result.stdout


def test_stages_come_after_what_they_need_however_the_file_orders_them() -> None:
    text = SHIPPED.read_text()
    plan = compile_plan(read_pipeline(text, "checkout.yaml"), digest_of(text))
    backwards = tuple(reversed(plan.stages))
    assert [stage.name for stage in in_order(backwards)] == ["dev", "test", "staging", "production"]


PLAN = "POST /api/pipelines/plan"


def planned(*may: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The server's answer for the shipped pipeline; `may` for its stages in turn."""
    text = SHIPPED.read_text()
    document = compile_plan(read_pipeline(text, "checkout.yaml"), digest_of(text)).dump()
    answers = [*may, *([may_promote(NEEDS)] * (4 - len(may)))]
    stages = [stage | {"may_promote": said} for stage, said in zip(document["stages"], answers, strict=True)]
    named = {"version": "1.2.0", "promotion": "checkout--1.2.0", "known": False, "finished_at": at(0)}
    return json.loads(json.dumps(document | named | {"stages": stages})) | more


def test_a_live_plan_says_what_would_stop_the_build_in_each_stage_now(slipway: Slipway, server: ApiServer) -> None:
    server.on(PLAN, (200, planned(may_promote(), may_promote(NEEDS, ASKS, HELD, FIRST))))
    result = slipway("plan", "checkout", "--live", "--version", "1.2.0")
    assert result.exit_code == 0
    assert server.heard == [(PLAN, {}, {"service": "checkout", "version": "1.2.0"})]
    page = result.stdout
    assert page.startswith("checkout 1.2.0  owner team-checkout\nthe deployed pipeline · sha256:")
    now = [line for line in page.splitlines() if line.startswith("   now")]
    assert now[0] == "   now       ✓ nothing is in the way"
    assert now[1].startswith("   now       ? held by Dave: stocktaking, until ")
    assert now[2:] == ["   now       ✓ nothing else is in the way"] * 2
    assert "               slipway lift test.checkout.h1\n             ! the first release here" in page
    assert "nobody has been asked yet" not in page, "the plan itself says who is asked"


def test_a_file_is_planned_live_by_its_own_text_and_without_a_version(slipway: Slipway, server: ApiServer) -> None:
    Path("shop.yaml").write_text(SHIPPED.read_text())
    server.on(PLAN, (200, planned(version="", promotion="")))
    result = slipway("plan", "shop.yaml", "--live")
    assert result.stdout.startswith("checkout  owner team-checkout\nshop.yaml · sha256:")
    assert server.heard[0][2] == {"service": "checkout", "pipeline": SHIPPED.read_text()}
    Path("shop.yaml").write_text("service: Shop\n")
    assert slipway("plan", "shop.yaml", "--live").exit_code == 7, "findings need no server"
    assert len(server.heard) == 1


def test_a_live_plan_of_a_known_build_says_so_and_json_is_the_servers_answer(
    slipway: Slipway, server: ApiServer
) -> None:
    document = planned(known=True)
    server.on(PLAN, (200, document))
    assert (
        "taken in before, so nothing new begins; slipway status checkout--1.2.0"
        in slipway("plan", "checkout", "--live", "--version", "1.2.0").stdout
    )
    assert json.loads(slipway("plan", "checkout", "--live", "--version", "1.2.0", "--json").stdout) == document


def test_a_live_plan_of_an_unknown_service_is_not_found(slipway: Slipway, server: ApiServer) -> None:
    server.on(PLAN, (404, a_problem("UNKNOWN_SERVICE", 404, "no pipeline is for the service basket")))
    result = slipway("plan", "basket", "--live")
    assert (result.exit_code, "no pipeline is for the service basket" in result.stderr) == (4, True)


def test_a_plan_says_which_header_comes_from_which_secret(offline: Slipway, tmp_path: Path) -> None:
    headers = "headers: {x-probe-key: {secret: probe-key}, accept: text/plain}"
    text = SHIPPED.read_text().replace("interval: 300ms", f"interval: 300ms, {headers}", 1)
    (tmp_path / "shop.yaml").write_text(text)
    result = offline("plan", "shop.yaml")
    words = " ".join(result.stdout.split())
    assert "sends x-probe-key from the secret probe-key, accept: text/plain" in words
    document = json.loads(offline("plan", "shop.yaml", "--json").stdout)
    assert document["stages"][0]["health"]["headers"][0] == {"name": "x-probe-key", "value": "", "secret": "probe-key"}


RAMPED = a_pipeline(
    a_stage(
        "production",
        "    rollout:\n"
        "      canary: {steps: [5%, 25%, 100%], hold_at: [25%], at_deadline: stay,\n"
        "        proven_within: 7d, top_up: {rate: 1/s}}\n"
        "    retain_previous: 24h\n",
    )
)


def test_a_plan_says_by_which_router_a_canary_goes_where_it_holds_and_how_it_ends(
    offline: Slipway, tmp_path: Path
) -> None:
    (tmp_path / "shop.yaml").write_text(RAMPED)
    result = offline("plan", "shop.yaml")
    assert result.exit_code == 0, result.stdout
    words = " ".join(result.stdout.split())
    for said in (
        "adaptive ramp 5 · 25 · 100 %, judged every 1 min",
        "by app-service-slots: in steps of 0.01 %, settled in 30 s",
        "stickiness: a browser keeps its side for an hour",
        "way back: the routing rule is taken away",
        "evidence: role shop in the workspace of the setting SLIPWAY_WORKSPACE",
        "nothing advances while a request takes 1.3 × the live release's CPU (app-service tells no limit of memory)",
        "holds at 25 % until somebody says `slipway advance`",
        "on proven harm: the traffic goes back, and the stage has failed",
        "failing probe: roll back; bad counters: roll back; alert: wait",
        "not at 100 % within 1 d: it stays where it is, and a person decides",
        "a release proven here within 7 d returns without a ramp",
        "tops up with 1/s of marked requests to /",
        "watch 1 d after that, ready to go back",
    ):
        assert said in words
    assert max(len(line) for line in result.stdout.splitlines()) <= 110


def test_a_plan_says_what_a_front_door_must_be_like_and_how_its_ramp_ends(offline: Slipway, tmp_path: Path) -> None:
    testers = f"testers: {{{TESTERS}}}"
    (tmp_path / "shop.yaml").write_text(fronted(f"{PLACE}{SIDES}, {testers}"))
    result = offline("plan", "shop.yaml")
    assert result.exit_code == 0, result.stdout
    words = " ".join(result.stdout.split())
    for said in (
        "by front-door: in steps of 0.1 %, settled in 20 min",
        "users ask https://shop.azurefd.net; weights of the origins weu (live) and weu-staging (idle) of edge/checkout",
        "additionalLatencyInMilliseconds is 500 or more",
        "testers first: header x-canary: me to the origin group checkout-idle by a rule in testers",
        "at the end all users return to weu, 20 min later the slots are swapped: a swap restarts the slot",
        "On the profile of every Front Door Slipway's identity needs Microsoft.Cdn/profiles/originGroups/read",
    ):
        assert said in words, result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 110


def test_a_plan_says_how_a_switch_divides_users_and_what_it_needs(offline: Slipway, tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(a_switched(DIVIDED, CANARY))
    result = offline("plan", "shop.yaml")
    assert result.exit_code == 0, result.stdout
    words = " ".join(result.stdout.split())
    for said in (
        "by traffic-manager: in steps of 0.1 %, settled in 2 min",
        "way back: the release's endpoint is disabled, in one change",
        "CPU and memory: aks tells neither of a release",
        "On the Traffic Manager profile of each it needs Microsoft.Network/trafficManagerProfiles/read",
    ):
        assert said in words, result.stdout
    (tmp_path / "shop.yaml").write_text(a_switched(NAMED))
    words = " ".join(offline("plan", "shop.yaml").stdout.split())
    assert "On the DNS record of each it needs Microsoft.Network/dnsZones/CNAME/read" in words


def test_a_live_plan_shows_a_canary_as_the_server_planned_it(slipway: Slipway, server: ApiServer) -> None:
    text = RAMPED
    document = json.loads(json.dumps(compile_plan(read_pipeline(text, "shop.yaml"), digest_of(text)).dump()))
    stages = [stage | {"may_promote": may_promote()} for stage in document["stages"]]
    named = {"version": "1.2.0", "promotion": "checkout--1.2.0", "known": False, "finished_at": at(0)}
    server.on(PLAN, (200, document | named | {"stages": stages}))
    result = slipway("plan", "checkout", "--live")
    assert "adaptive ramp 5 · 25 · 100 %" in result.stdout, result.output
    assert "holds at 25 %" in result.stdout


def test_a_ring_in_parts_says_how_many_targets_move_at_a_time_and_that_the_earlier_rings_stay(
    offline: Slipway, tmp_path: Path
) -> None:
    targets = ", ".join(a_target(f"eu-{n}") for n in range(5))
    rings = f"    rings:\n      - {{name: one, targets: [{a_target('one')}]}}\n"
    rings += f"      - {{name: eu, max_parallel: 2, targets: [{targets}]}}\n"
    (tmp_path / "shop.yaml").write_text(a_pipeline("  - name: live\n    environment: live\n" + rings))
    said = " ".join(offline("plan", "shop.yaml").stdout.split())
    assert "2 of 5 targets at a time, verified live before the next: 3 parts" in said
    assert "when bad it goes back; what live-one has stays" in said


def test_a_plan_says_whether_an_image_is_pinned(offline: Slipway, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "pipelines" / "catalog.yaml").read_text()
    file = tmp_path / "catalog.yaml"
    file.write_text(text)
    assert "registry.example/catalog:{version}: deployed by its tag" in offline("plan", str(file)).output
    file.write_text(text.replace("registry.example/catalog", "shop.azurecr.io/catalog"))
    shown = " ".join(offline("plan", str(file)).output.split())
    assert "shop.azurecr.io/catalog:{version}: pinned to its digest when a promotion begins" in shown
    job = site("infra").replace("Microsoft.Web/sites", "Microsoft.App/jobs")
    terraform = "terraform: {image: 'ghcr.io/{service}-infra:{version}'}"
    target = f'{{name: net, kind: terraform, resource: "{job}", {terraform}}}'
    asks = "    rollout: {blue-green: {approval: {approvers: [role:release-manager]}}}\n"
    file.write_text(a_pipeline(a_stage("dev", asks, target=target)))
    shown = " ".join(offline("plan", str(file)).output.split())
    assert "ghcr.io/shop-infra:{version}: deployed by its tag, which may move" in shown
