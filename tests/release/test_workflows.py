"""The workflows: they name commands and files that exist, hold no secret, and use the Pythons that Slipway runs on."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GITHUB = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
AZURE = [ROOT / ".azuredevops" / "release.yml"]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def commands(node: Any) -> Iterator[str]:
    """Every script of a workflow, wherever it stands."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("run", "script") and isinstance(value, str):
                yield value
            else:
                yield from commands(value)
    elif isinstance(node, list):
        for each in node:
            yield from commands(each)


@pytest.mark.parametrize("file", [*GITHUB, *AZURE], ids=lambda file: file.name)
def test_every_command_of_a_workflow_exists(file: Path) -> None:
    asked = list(commands(yaml.safe_load(file.read_text())))
    for command in asked:
        match command.split():
            case ["make", target, *_]:
                assert target in TARGETS, command
            case ["python3", script, *_]:
                assert (ROOT / script).is_file(), command
            case ["gh", "attestation", "verify", "build/slipway.zip", *_]:
                pass
            case _:
                raise AssertionError(f"neither a make target nor a script of ours: {command}")
    assert asked


@pytest.mark.parametrize("file", [*GITHUB, *AZURE], ids=lambda file: file.name)
def test_no_workflow_holds_a_secret(file: Path) -> None:
    text = file.read_text()
    assert not re.search(r"secrets\.|password|publish-profile|client-secret|creds:", text, re.IGNORECASE)


@pytest.mark.parametrize("file", GITHUB, ids=lambda file: file.name)
def test_every_action_is_pinned_and_every_workflow_says_what_it_may(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text())
    assert workflow["permissions"]["contents"] == "read"
    may_get_tokens = "id-token: write" in file.read_text()
    for action in re.findall(r"uses: (.+)", file.read_text()):
        if action.startswith("./"):
            assert (ROOT / action).is_file(), action
        elif may_get_tokens:  # a tag may be moved, a commit not
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
        else:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action), action


def test_only_what_was_tested_is_packed_and_only_what_was_packed_is_deployed() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    assert {name: job.get("needs") for name, job in jobs.items()} == {
        "test": None,
        "package": "test",
        "staging": "package",
        "production": "staging",
    }
    stages = yaml.safe_load(AZURE[0].read_text())["stages"]
    assert [stage.get("dependsOn") for stage in stages[:2]] == [None, "test"]
    # The stages of the environments depend on the one before them, which is what no dependsOn means.
    assert all("dependsOn" not in stage for stage in next(iter(stages[2].values())))


@pytest.mark.parametrize("file", [ROOT / ".github/workflows/release.yml", *AZURE], ids=lambda file: file.name)
def test_a_release_is_tested_as_every_change_is(file: Path) -> None:
    asked = list(commands(yaml.safe_load(file.read_text())))
    assert asked[:4] == ["make test", "make test-long", "make check", "make histories CHECK=1"]
    # Whole, so that a branch is no tag: package.py refuses every tag that is not the version's.
    assert asked[4] in ('make package REF="$GITHUB_REF"', "make package REF=$(Build.SourceBranch)")


def test_a_tag_that_cannot_be_a_version_begins_no_release() -> None:
    github = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
    assert github[True] == {"push": {"tags": ["v[0-9]*"]}}  # YAML reads `on` as true
    trigger = yaml.safe_load(AZURE[0].read_text())["trigger"]
    assert trigger == {"branches": {"include": ["main"]}, "tags": {"include": [f"v{digit}*" for digit in range(10)]}}


def test_azure_pipelines_deploys_tags_only_though_every_push_to_main_is_packed() -> None:
    (deployed,) = yaml.safe_load(AZURE[0].read_text())["stages"][2].values()
    assert [stage["condition"] for stage in deployed] == [
        "and(succeeded(), startsWith(variables['Build.SourceBranch'], 'refs/tags/v'))"
    ]


def test_a_release_can_be_deployed_again_for_as_long_as_the_page_says() -> None:
    steps = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]["package"]["steps"]
    (kept,) = [step["with"]["retention-days"] for step in steps if "upload-artifact" in step.get("uses", "")]
    assert f"{kept} days" in (ROOT / "docs" / "upgrade.md").read_text()


def test_a_deployment_takes_the_proven_package_as_it_is_and_asks_the_site_by_its_own_name() -> None:
    steps = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text())["jobs"]["deploy"]["steps"]
    names = [step.get("uses", step.get("run", "")).partition("@")[0] for step in steps]
    verified = next(number for number, name in enumerate(names) if name.startswith("gh attestation verify"))
    deployed = names.index("Azure/functions-action")
    assert names.index("actions/download-artifact") < verified < names.index("azure/login") < deployed
    assert "--signer-workflow ${{ github.repository }}/.github/workflows/release.yml" in steps[verified]["run"]
    assert steps[deployed]["with"]["remote-build"] is False and steps[deployed]["with"]["sku"] == "flexconsumption"
    assert names[deployed + 1] == "python3 infra/hooks/after_deploy.py"
    for file in (ROOT / ".github/workflows/deploy.yml", *AZURE):
        assert "azurewebsites.net" not in file.read_text(), "the platform may put a suffix of its own into a host name"
        assert re.search(r"SLIPWAY_URL: \$[{(]", file.read_text())
    (task,) = re.findall(r"task: AzureFunctionApp@(\d+)", AZURE[0].read_text())
    assert int(task) >= 2 and "isFlexConsumption: true" in AZURE[0].read_text()


@pytest.mark.parametrize(
    ("file", "deploys", "package"),
    [
        (".github/workflows/deploy.yml", "Azure/functions-action", "build/slipway.zip"),
        (".azuredevops/release.yml", "task: AzureFunctionApp@", "$(Pipeline.Workspace)/slipway/slipway.zip"),
    ],
)
def test_every_pipeline_asks_whether_the_package_fits_the_backend_before_it_deploys_it(
    file: str, deploys: str, package: str
) -> None:
    text = (ROOT / file).read_text()
    asked = f"python3 infra/hooks/before_deploy.py {package}\n"
    assert text.count(asked) == 1 and text.index(asked) < text.index(deploys)
    assert re.search(rf"package: {re.escape(package)}$", text, re.MULTILINE), "of the package that it deploys"
    (told,) = re.findall(r"^ +SLIPWAY_DURABLE_BACKEND: (.+)$", text, re.MULTILINE)
    assert told in ("${{ vars.SLIPWAY_DURABLE_BACKEND }}", "$(SLIPWAY_DURABLE_BACKEND)")


def test_ci_tries_every_python_that_slipway_runs_on() -> None:
    tried = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["test"]["strategy"]["matrix"]
    assert tried["python"] == ["3.11", "3.12", "3.13"]
    assert 'requires-python = ">=3.11,<3.14"' in (ROOT / "pyproject.toml").read_text()


def test_what_is_deployed_was_built_with_the_python_that_runs_it() -> None:
    python = re.search(r'^PYTHON = "(.+)"', (ROOT / "infra" / "package.py").read_text(), re.MULTILINE)
    assert python is not None
    for file in (ROOT / ".github/workflows/release.yml", *AZURE):
        assert python[1] in file.read_text()
