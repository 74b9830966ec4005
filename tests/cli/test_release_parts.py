"""What `slipway plan` and `slipway releases` say of configuration and flags, on the pipeline of docs/releases.md."""

import re
from pathlib import Path

import pytest

from slipway.promotion.pipeline import lint
from tests.cli.api_server import ApiServer
from tests.cli.builders import at
from tests.cli.conftest import Slipway

PAGE = (Path(__file__).parents[2] / "docs" / "releases.md").read_text(encoding="utf-8")
PIPELINE = re.findall(r"```yaml\n(service:.*?)```", PAGE, re.DOTALL)[0]


def test_the_pipeline_of_the_page_works() -> None:
    assert lint(PIPELINE, "releases.md") == []


@pytest.mark.parametrize(
    "words",
    [
        "settings checkout:* with the label {version}, kept as snapshot {service}-{version}",
        "spring-banner (production) on for everybody",
        "old-banner (production) off for everybody",
        "brings back code; configuration, by the label of its version; flags as they were: spring-banner (production)",
        "not what it changed in databases; nor a flag that somebody else changed since",
        "Microsoft.AppConfiguration/configurationStores/keyValues/write",
    ],
)
def test_a_plan_says_what_belongs_to_a_release_and_what_a_way_back_brings(
    slipway: Slipway, tmp_path: Path, words: str
) -> None:
    file = tmp_path / "checkout.yaml"
    file.write_text(PIPELINE, encoding="utf-8")
    result = slipway("plan", str(file))
    assert result.exit_code == 0, result.stderr
    assert words in " ".join(result.stdout.split())


def test_releases_name_what_a_rollback_would_bring_back_and_what_not(slipway: Slipway, server: ApiServer) -> None:
    release = {"version": "1.1.0", "state": "proven", "since": at(60), "until": "", "back_since": ""}
    brings = [
        "code 1.0.0",
        "configuration 1.0.0 as it was verified (snapshot shop-1.0.0)",
        "flag a as it was before: off",
    ]
    release["configuration"] = {"label": "1.1.0", "fingerprint": "0123456789abcdef", "settings": 12}
    release["changed_flags"] = [{"name": "a", "now": "on for everybody"}]
    reach = {"how": "seconds", "version": "1.0.0", "until": "", "words": "its side stands ready", "brings": brings}
    place = "GET /api/environments/production/services/checkout"
    server.on(place, (200, {"releases": [release], "after": None, "reach": {**reach, "leaves": ["its databases"]}}))
    page = " ".join(slipway("releases", "production", "checkout").stdout.split())
    assert (
        "would bring back: code 1.0.0; configuration 1.0.0 as it was verified (snapshot shop-1.0.0); flag a as" in page
    )
    assert "as it was before: off; not its databases" in page
    assert "configuration 1.1.0 (12, 0123456789ab)" in page and "flag a on for everybody" in page
