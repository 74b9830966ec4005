"""Pipelines as text, for the tests: one that is sound, and changes to it."""

from pathlib import Path

CHECKOUT_FILE = Path(__file__).parents[2] / "pipelines" / "checkout.yaml"
CHECKOUT = CHECKOUT_FILE.read_text(encoding="utf-8")


def site(name: str) -> str:
    return (
        f"/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop/providers/Microsoft.Web/sites/{name}"
    )


def a_pipeline(*stages: str, top: str = "") -> str:
    """A pipeline of `stages`; `top` adds lines at its top level."""
    head = f"service: shop\nowner: team-shop\nartifact: {{zip: 'https://feed.example/{{version}}.zip'}}\n{top}"
    return head + "stages:\n" + "".join(stages or (a_stage("dev"),))


def a_stage(name: str, more: str = "", environment: str = "", target: str = "", needs: str = "") -> str:
    """A sound stage; `more` are further lines of it, indented by four."""
    lines = [
        f"  - name: {name}",
        f"    environment: {environment or name}",
        f"    needs: [{needs}]",
        f"    targets: [{target or a_target(name)}]",
    ]
    return "\n".join(lines) + "\n" + more


def a_target(name: str, slot: str = "staging", resource: str = "") -> str:
    return f'{{name: {name}, kind: app-service, resource: "{resource or site(name)}", slot: {slot}}}'


def an_app(name: str) -> str:
    return site(name).replace("Microsoft.Web/sites", "Microsoft.App/containerApps")


def an_app_target(name: str, more: str = "") -> str:
    return f'{{name: {name}, kind: container-apps, resource: "{an_app(name)}"{more}}}'


def of_images(text: str, image: str = "registry.example/{service}:{version}") -> str:
    """`text` with images in place of zip packages."""
    return text.replace("{zip: 'https://feed.example/{version}.zip'}", f"{{image: '{image}'}}")


def verified_by(*checks: str) -> str:
    return "    verify:\n" + "".join(f"      - {check}\n" for check in checks)


def without(text: str, line_with: str) -> str:
    """`text` without the lines that hold `line_with`."""
    return "".join(line for line in text.splitlines(keepends=True) if line_with not in line)
