"""The shell scripts that are run in a cluster. Every word from outside is quoted; each may be run twice. Pure."""

import json
from dataclasses import dataclass
from shlex import quote

from slipway.adapters.aks.place import Place
from slipway.adapters.aks.revisions import Release

VALUES = "values.json"
IN_PROGRESS = "another operation (install/upgrade/rollback) is in progress"
REPLICAS, VERSION = "slipway/replicas", "slipway/version"  # what a Deployment had before it was stopped, and was
INSTANCE = "app.kubernetes.io/instance"


@dataclass(frozen=True)
class Unit:
    """What is deployed: a chart, and if the build has one, the image that it runs."""

    chart: str
    image: str

    @classmethod
    def of(cls, package: str) -> "Unit":
        """From `chart image`. Either may be pinned, `registry/name:tag@sha256:…`."""
        chart, _, image = package.partition(" ")
        return cls(chart, image)

    @property
    def chart_words(self) -> str:
        """How Helm is told: by digest (Helm 3.18 and later), which decides alone, else by version."""
        address, tag, digest = parts_of(self.chart)
        return quote(f"oci://{address}@{digest}") if digest else f"{quote(f'oci://{address}')} --version {quote(tag)}"

    @property
    def image_words(self) -> str:
        """The values by which charts are told their image, as `helm create` names them."""
        address, tag, digest = parts_of(self.image)
        named = {"repository": address, "tag": tag, "digest": digest}
        return ",".join(f"image.{name}={value}" for name, value in named.items() if value)


def parts_of(reference: str) -> tuple[str, str, str]:
    """Address, tag and digest of `registry:5000/name:tag@sha256:…`; what is not there is empty."""
    named, _, digest = reference.partition("@")
    head, colon, tag = named.rpartition(":")
    return (head, tag, digest) if colon and "/" not in tag else (named, "", digest)


def upgrade(place: Place, side: str, unit: Unit, said: str, stuck: Release | None, wake: int) -> str:
    """Install or upgrade a side's release, unless the newest revision says that this operation has. `stuck` is what a
    killed upgrade has left, to be cleared first; `wake`: how many replicas a stopped one is given again."""
    release, namespace = quote(place.release_of(side)), quote(place.namespace)
    image = f" --set-string {quote(unit.image_words)}" if unit.image else ""
    lines = [
        f'last=$(helm history {release} -n {namespace} --max 1 -o json 2>&1) || case "$last" in',
        '  *"not found"*) last="[]" ;;',
        '  *) printf "%s\\n" "$last" >&2; exit 1 ;;',
        "esac",
        f'case "$last" in *{quote(_description(said))}*) echo "done before"; exit 0 ;; esac',
        *([_cleared(release, namespace, stuck)] if stuck else ()),
        f"helm upgrade --install {release} {unit.chart_words} -n {namespace} -f {VALUES}{image}"
        f" --description {quote(said)} --history-max 10 || exit 1",
        *([scale(place, side, wake)] if wake else ()),
    ]
    return "\n".join(lines) + "\n"


def scale(place: Place, side: str, replicas: int, had: int = 0, version: str = "") -> str:
    """Give a side's Deployment so many replicas. When it is stopped, how many it `had` and which `version` it was is
    noted there: of a release from before there was Slipway nothing else would say. Its autoscaler rests at 0."""
    noted = {REPLICAS: str(had) if had else None, VERSION: version or None}
    change = {"spec": {"replicas": replicas}, "metadata": {"annotations": noted}}
    return _patch("deployment", place.deployment_of(side), place, change)


def send_users(place: Place, side: str) -> str:
    """Let the Service choose the pods of a side; the rest of its selector stays."""
    return _patch("service", place.release, place, {"spec": {"selector": {INSTANCE: place.release_of(side)}}})


def read(*paths: str) -> str:
    """Print a line of JSON for each path of the API; `null` for what is not there."""
    return "\n".join(
        f'if out=$(kubectl get --raw {quote(path)} 2>&1); then printf "%s\\n" "$out"; else case "$out" in\n'
        '  *NotFound*) echo null ;;\n  *) printf "%s\\n" "$out" >&2; exit 1 ;;\nesac; fi'
        for path in paths
    )


def history(place: Place, side: str) -> str:
    release, namespace = quote(place.release_of(side)), quote(place.namespace)
    return (
        f"if out=$(helm history {release} -n {namespace} -o json 2>&1)"
        '; then printf "%s\\n" "$out"; else case "$out" in\n'
        '  *"not found"*) echo "[]" ;;\n  *) printf "%s\\n" "$out" >&2; exit 1 ;;\nesac; fi'
    )


def _cleared(release: str, namespace: str, stuck: Release) -> str:
    way = f"helm rollback {release} {stuck.sound}" if stuck.sound else f"helm uninstall {release}"
    return f'case "$last" in *{quote(_status(stuck))}*) {way} -n {namespace} || exit 1 ;; esac'


def _description(said: str) -> str:
    return f'"description":{json.dumps(said)}'


def _status(stuck: Release) -> str:
    return f'"status":"{stuck.status}"'


def _patch(kind: str, name: str, place: Place, change: dict[str, object]) -> str:
    told = quote(json.dumps(change))
    return f"kubectl patch {kind} {quote(name)} -n {quote(place.namespace)} --type merge -p {told} || exit 1"
