"""`tests` and `migrate` of a pipeline: what they compile to, and what lint has against them."""

import pytest

from slipway.promotion.job_plan import JobPlan, JobTest, Migration
from slipway.promotion.pipeline import compile_plan, lint, read_pipeline, shared_databases
from slipway.promotion.plan import PromotionPlan, StagePlan, load_stage
from tests.promotion.pipeline_texts import a_pipeline, a_stage, verified_by
from tests.promotion.test_pipeline_rings import ring, ringed

GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop/providers/Microsoft.App"
UAT, MIGRATE = f"{GROUP}/jobs/shop-uat", f"{GROUP}/jobs/shop-migrate"
IMAGE = "registry.example/shop-uat:{version}"


def tests(**more: str) -> str:
    return "tests: {" + ", ".join(f"{key}: {value}" for key, value in {"job": UAT, **more}.items()) + "}"


def migrate(retain: str = "    retain_previous: 1h\n", **more: str) -> str:
    given = {"job": MIGRATE, "expand": "[up]", "contract": "[clean]", **more}
    return "    migrate: {" + ", ".join(f"{key}: {value}" for key, value in given.items() if value) + "}\n" + retain


def planned(*stages: str) -> PromotionPlan:
    return compile_plan(read_pipeline(a_pipeline(*stages), "shop.yaml"), "sha256:0")


def findings(*stages: str) -> list[tuple[str, str]]:
    return [(each.code, each.words) for each in lint(a_pipeline(*stages), "shop.yaml")]


def codes(*stages: str) -> list[str]:
    return [code for code, _ in findings(*stages)]


def again(stage: StagePlan) -> StagePlan:
    """As it travels."""
    plan = PromotionPlan("shop", "team", "sha256:0", "", (stage,))
    return load_stage(plan.dump()["stages"][0])


def test_tests_compile_to_a_job_with_their_image_and_variables() -> None:
    env = "{BROWSER: firefox, API_KEY: {secret: api-key}}"
    own = tests(name="uat", image=f'"{IMAGE}"', args='["--quick"]', within="20m", once="true", env=env)
    (stage,) = planned(a_stage("dev", verified_by(own, tests(), tests()))).stages
    job = JobPlan(UAT, IMAGE, {"BROWSER": "firefox"}, {"API_KEY": "api-key"}, 1200.0)
    assert stage.tests[0] == JobTest("uat", job, ("--quick",), once=True)
    assert [test.name for test in stage.tests] == ["uat", "tests", "tests-2"]
    assert again(stage) == stage and stage.longest_operation_s >= 1200


def test_a_migration_compiles_to_both_of_its_steps() -> None:
    (stage,) = planned(a_stage("dev", migrate(within="30m"))).stages
    assert stage.migration == Migration(JobPlan(MIGRATE, within_s=1800.0), ("up",), ("clean",))
    assert again(stage) == stage
    old = PromotionPlan("shop", "team", "sha256:0", "", (stage,)).dump()["stages"][0]
    before = load_stage({key: value for key, value in old.items() if key not in ("tests", "migration")})
    assert before.tests == () and before.migration is None, "a plan of before there were jobs"


@pytest.mark.parametrize(
    ("check", "code", "words"),
    [
        (tests(job="/subscriptions/x"), "INVALID_RESOURCE", "is not the resource id of a Container Apps job"),
        (tests(image="nginx"), "INVALID_ARTIFACT", "is not an image with its tag"),
        (tests(image='"registry.example/a:{verison}"'), "UNKNOWN_PLACEHOLDER", "cannot be filled in"),
        (tests(env="{SLIPWAY_VERSION: a}"), "DOES_NOT_RUN", "is set by Slipway itself"),
        (tests(env="{a-b: a}"), "INVALID_NAME", "is not the name of a variable"),
        (tests(env="{API_TOKEN: abc}"), "LITERAL_SECRET", "carries a credential"),
        (tests(env="{API_TOKEN: {secret: Not_One}}"), "INVALID_SECRET_NAME", "is not the name of a secret of a job"),
        (tests(env="{RETRIES: 3}"), "WRONG_TYPE", "is text (in quotes)"),
        (tests(within="1d"), "OUT_OF_RANGE", "1s to 6h"),
        (tests(arguments="[a]"), "UNKNOWN_KEY", "is not a key of tests"),
        ("tests: integration", "WRONG_TYPE", "is not a mapping"),
        ("tests: {name: uat}", "MISSING_KEY", 'tests needs "job"'),
    ],
)
def test_each_mistake_in_tests_is_named(check: str, code: str, words: str) -> None:
    ((found, said),) = findings(a_stage("dev", verified_by(check)))
    assert found == code and words in said, said


def test_a_check_is_one_thing_and_tests_are_three_at_most() -> None:
    both = f"{tests()}\n        health: {{}}"
    assert codes(a_stage("dev", verified_by(both))) == ["ONE_CHECK_AN_ITEM"]
    assert codes(a_stage("dev", verified_by(*[tests()] * 3))) == []
    assert codes(a_stage("dev", verified_by(*[tests()] * 4))) == ["TOO_MANY"]


def test_a_contract_that_nobody_waits_for_is_refused() -> None:
    assert codes(a_stage("dev", migrate(retain=""))) == ["CONTRACT_NEVER_COMES"]
    assert codes(a_stage("dev", migrate(retain="", contract=""))) == []
    kept = "    rollout: {blue-green: {keep: 1h}}\n"
    assert codes(a_stage("dev", migrate(retain=kept))) == []
    assert codes(a_stage("dev", migrate(retain="    retain_previous: 0s\n"))) == ["CONTRACT_NEVER_COMES"]


def test_two_stages_do_not_change_one_database() -> None:
    dev = a_stage("dev", migrate())
    ((code, words),) = findings(dev, a_stage("test", migrate()))
    assert code == "SHARED_DATABASE" and "two stages would change one database" in words
    assert codes(dev, a_stage("test", migrate(env="{LOG_LEVEL: debug}"))) == ["SHARED_DATABASE"], "it says no other"
    assert codes(dev, a_stage("test", migrate(env="{DATABASE: test}"))) == ["SHARED_DATABASE"], "dev says none"
    of_dev = a_stage("dev", migrate(env="{DATABASE: dev, LOG_LEVEL: debug}"))
    assert codes(of_dev, a_stage("test", migrate(env="{DATABASE: test}"))) == []
    assert codes(of_dev, a_stage("test", migrate(env="{DATABASE: dev}"))) == ["SHARED_DATABASE"]


@pytest.mark.parametrize(
    ("name", "tells"),
    [
        *((name, True) for name in ("PGHOST", "PGPORT", "DB_NAME", "SQLCMDSERVER", "SQL_SERVER", "DATABASE_URL", "DB")),
        *((name, True) for name in ("HOST", "SERVER_NAME", "JDBC_URL", "TENANT", "STOREFRONT_DB", "CONNECTION")),
        *((name, False) for name in ("STATSD_HOST", "SLACK_WEBHOOK_URL", "NAME", "SCHEMA_REGISTRY_URL")),
        *((name, False) for name in ("DB_POOL_SIZE", "DATABASE_TIMEOUT", "FEEDBACK_URL", "AZURE_TENANT_ID")),
    ],
)
def test_a_database_is_told_from_another_by_what_names_one_alone(name: str, tells: bool) -> None:
    dev, test = (a_stage(each, migrate(env=f"{{DATABASE: shop, {name}: {each}}}")) for each in ("dev", "test"))
    assert codes(dev, test) == ([] if tells else ["SHARED_DATABASE"])


def test_two_pipelines_do_not_change_one_database() -> None:
    shop, basket = (a_pipeline(a_stage("dev", migrate(env="{DATABASE: shop}"))) for _ in range(2))
    (finding,) = shared_databases([(shop, "shop.yaml"), (basket, "basket.yaml")])
    assert (finding.file, finding.code) == ("basket.yaml", "SHARED_DATABASE") and "shop.yaml, on line" in finding.words
    own = a_pipeline(a_stage("dev", migrate(env="{DATABASE: basket}")))
    assert shared_databases([(shop, "shop.yaml"), (own, "basket.yaml"), ("- odd", "odd.yaml")]) == []


def test_rings_do_not_migrate() -> None:
    ((code, words),) = findings(ringed(ring("weu"), ring("neu"), more=migrate()))
    assert code == "DOES_NOT_RUN" and "the first one's contract would take the schema from the others" in words


def test_the_secrets_of_a_migration_are_references_too() -> None:
    assert codes(a_stage("dev", migrate(env="{DB_PASSWORD: hush}"))) == ["LITERAL_SECRET"]
    assert codes(a_stage("dev", migrate(env="{DB_PASSWORD: {secret: db-password}}"))) == []


@pytest.mark.parametrize(
    "env",
    [
        *('{DATABASE_URL: "postgres://sa:hunter2@db/x"}', '{CONNECTION: "Server=x;Password=y"}', "{DB_PASS: x}"),
        *("{DB_PW: x}", "{MYSQLPW: x}", '{A: "Bearer eyJhbGciOi"}', """{C: '{"password": "hunter2"}'}"""),
        *("{SQL_PWD: x}", "{PASSPHRASE: x}", '{BLOBS: "https://x.example/y?sv=1&sig=abc"}', '{Q: "AccountKey=abc"}'),
    ],
)
def test_a_credential_is_known_by_its_name_or_by_what_it_is(env: str) -> None:
    assert codes(a_stage("dev", verified_by(tests(env=env)))) == ["LITERAL_SECRET"]


@pytest.mark.parametrize("env", ['{URL: "https://x.example:8080/a@b"}', '{C: "Password=$DB_PASSWORD"}', "{PASSES: a}"])
def test_what_only_looks_like_one_is_none(env: str) -> None:
    assert codes(a_stage("dev", verified_by(tests(env=env)))) == []


def test_an_argument_carries_no_credential_either() -> None:
    for more in ({"expand": '[up, "Server=x;Password=y"]'}, {"contract": '["--url=postgres://sa:x@db"]'}):
        assert codes(a_stage("dev", migrate(**more))) == ["LITERAL_SECRET"]
    for written in (
        *('["--dsn", "pwd=x"]', '["--token=ghp_x"]', "[--password, hunter2]", '["-api-key", "sk-live"]', "[DB_PW=x]"),
        *('["-H", "Authorization: Basic c2E6eA=="]', '["--connection-string", "Server=x"]'),
    ):
        assert codes(a_stage("dev", verified_by(tests(args=written)))) == ["LITERAL_SECRET"], written
    for written in (
        *('["--token", "$TOKEN"]', '["--password=$DB_PASSWORD"]', '["--password", "--force"]', "[--secret]"),
        *('["--token-url", "https://x.example"]', '["--max-tokens=5"]', '["--suite", "basic tests"]', "[-p8080]"),
    ):
        assert codes(a_stage("dev", verified_by(tests(args=written)))) == [], written
