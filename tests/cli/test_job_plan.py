"""What `slipway plan` says of tests and of a database."""

from pathlib import Path

from tests.cli.conftest import Slipway
from tests.promotion.pipeline_texts import a_pipeline, a_stage, verified_by
from tests.promotion.test_pipeline_jobs import IMAGE, migrate, tests


def test_a_plan_names_the_jobs_their_times_and_what_the_schema_bars(slipway: Slipway, tmp_path: Path) -> None:
    uat = tests(name="uat", image=f'"{IMAGE}"', args="[--quick]", env="{API_KEY: {secret: api-key}}")
    once = tests(name="dast", once="true", within="45m")
    file = tmp_path / "shop.yaml"
    file.write_text(a_pipeline(a_stage("dev", migrate() + verified_by(uat, once))), encoding="utf-8")
    result = slipway("plan", str(file))
    assert result.exit_code == 0, result.stdout
    page = " ".join(result.stdout.split())
    assert (
        "database expanded once, before anything is deployed, where the build brings a change: job shop-migrate" in page
    )
    assert (
        "tests uat of each target: job shop-uat, image registry.example/shop-uat:{version}, arguments --quick" in page
    )
    assert "API_KEY from its secret api-key, within 10 min" in page
    assert "tests dast once for the stage: job shop-uat, within 45 min" in page
    assert "contracted once the old side is stopped, if the build says to what: job shop-migrate" in page
    assert "the schema is never taken back" in page
    assert "On the job shop-uat Slipway's identity needs Microsoft.App/jobs/read" in page
