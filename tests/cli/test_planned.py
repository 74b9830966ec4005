"""What the terminal shows of a plan: beside the question, the deletions in front, and in `slipway plan`."""

import re
from pathlib import Path

from slipway.cli.api_answers import Promotion
from slipway.cli.live_tree import plain
from tests.cli.builders import a_promotion, a_stage, an_approval
from tests.cli.conftest import Slipway
from tests.cli.test_live_tree import NOW
from tests.promotion.test_pipeline_infrastructure import a_text

DOCS = Path(__file__).parents[2] / "docs" / "infrastructure.md"

CHANGES = "DELETES 1 resource; 1 to create\n- delete Microsoft.Storage/storageAccounts/old\n+ create new"


def page_of(state: str, gate: str = "switch") -> str:
    target = {"name": "net", "address": "", "live": "1.0.0", "changes": CHANGES}
    stage = a_stage("production", state, approval={**an_approval(), "gate": gate}, targets=[target])
    return plain(Promotion.model_validate(a_promotion(stage, state="waiting")), NOW, 120)


def test_what_would_change_stands_beside_the_question() -> None:
    lines = [" ".join(line.split()) for line in page_of("waiting for approval").splitlines()]
    assert "! changes DELETES 1 resource; 1 to create" in lines
    assert "! - delete Microsoft.Storage/storageAccounts/old" in lines and "+ create new" in lines


def test_it_is_shown_to_nobody_who_is_asked_for_something_else() -> None:
    assert "DELETES" not in page_of("waiting for approval", "start")
    assert "DELETES" not in page_of("rolling out")


def plan_of(slipway: Slipway, file: Path, text: str) -> str:
    file.write_text(text, encoding="utf-8")
    result = slipway("plan", str(file))
    assert result.exit_code == 0, result.stdout
    return " ".join(result.stdout.split())


def test_the_plan_of_the_docs_says_what_is_asked_when_and_what_holds_the_switch(
    slipway: Slipway, tmp_path: Path
) -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    page = plan_of(slipway, tmp_path / "shop.yaml", text)
    assert "as a what-if, which changes nothing, refused if it deletes anything" in page
    assert "then applies the template to platform, if that still is what was planned" in page
    assert "then points to the new snapshot in settings, if that still is what was planned" in page
    assert "in this order: platform, records, settings; then web" in page
    assert "Microsoft.Resources/deploymentStacks/write" in page and "Microsoft.App/jobs/start/action" in page


def test_a_stage_without_an_address_promises_no_health(slipway: Slipway, tmp_path: Path) -> None:
    page = plan_of(slipway, tmp_path / "shop.yaml", a_text("unmanaged: delete, deletes: allow"))
    assert "after verification what would change is shown in status" in page and "which may delete resources" in page
    assert "health" not in page.replace("the health probe", "")
