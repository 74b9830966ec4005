"""The shell scripts that are run in a cluster. Every word from outside is quoted; each may be run twice. Pure."""

import json
from dataclasses import dataclass
from shlex import quote

from slipway.adapters.aks.notes import UPGRADE, Note
from slipway.adapters.aks.place import Place
from slipway.adapters.aks.revisions import Release

VALUES, TOKEN = "values.json", "registry-token"  # files beside a script
NOBODY = "00000000-0000-0000-0000-000000000000"  # as whom a registry of Azure's knows the bearer of a token
IN_PROGRESS = "another operation (install/upgrade/rollback) is in progress"
MOVED = "another upgrade has come between: nothing is done"
REPLICAS, VERSION = "slipway/replicas", "slipway/version"  # what a Deployment had before it was stopped, and was
INSTANCE = "app.kubernetes.io/instance"
MANAGER = "slipway"  # as whose the cluster knows what we apply


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
    def registry(self) -> str:
        """The host that the chart is read from."""
        return self.chart.partition("/")[0]

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


def upgrade(
    place: Place, side: str, unit: Unit, said: str, seen: Release, note: Note, wake: int = 0, login: bool = False
) -> str:
    """Install or upgrade a side's release, unless its newest revision says that this operation has. `seen` is what was
    there when this was decided: a command that comes late, after somebody else's upgrade, does nothing; nor does one
    whose `note` is not there any more, or whose side has got the users. What a killed upgrade left pending is cleared
    first. `wake`: how many replicas a Deployment is given that rests at none, as one with an autoscaler stays; `login`:
    to the chart's registry first, with the token that lies beside the script."""
    release, namespace = quote(place.release_of(side)), quote(place.namespace)
    image = f" --set-string {quote(unit.image_words)}" if unit.image else ""
    still = f"*{quote(_number(seen))}*" if seen.number else '"[]"'
    lines = [
        *_note_kept(place, side, note),
        f'last=$(helm history {release} -n {namespace} --max 1 -o json 2>&1) || case "$last" in',
        '  *"not found"*) last="[]" ;;',
        '  *) printf "%s\\n" "$last" >&2; exit 1 ;;',
        "esac",
        f'case "$last" in *{quote(_description(said))}*) echo "done before"; exit 0 ;; esac',
        f'case "$last" in {still}) ;; *) echo {quote(MOVED)} >&2; exit 1 ;; esac',
        *([_logged_in(unit)] if login else ()),
        *_still_wanted(place, side, note),
        *([_cleared(release, namespace, seen)] if seen.pending else ()),
        f"helm upgrade --install {release} {unit.chart_words} -n {namespace} -f {VALUES}{image}"
        f" --description {quote(said)} --history-max 10 || exit 1",
        *(_woken(place, side, wake) if wake else ()),
    ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Patch:
    """A JSON merge patch of something in the namespace; or all that is ours of it (`is_applied`, by the server), made
    where it is not there."""

    group: str
    kind: str
    name: str
    change: dict[str, object]
    is_applied: bool = False


def awake(place: Place, side: str, replicas: int) -> Patch:
    """A side's Deployment with so many replicas again."""
    return _scaled(place, side, replicas, None, None)


def stopped(place: Place, side: str, had: int, version: str) -> Patch:
    """A side's Deployment without replicas; its autoscaler rests then. How many it had and which version it was is
    noted there: of a release from before there was Slipway nothing else would say."""
    return _scaled(place, side, 0, str(had), version)


def noted(place: Place, side: str, note: Note) -> Patch:
    """A side's ConfigMap with this note; without any, where it is an empty one."""
    name = place.notes_of(side)
    change: dict[str, object] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    change["data"] = {UPGRADE: note.text} if note.text else {}
    return Patch("api/v1", "configmaps", name, change, is_applied=True)


def sends_users(place: Place, side: str, resource_version: str) -> Patch:
    """The Service with the pods of a side, if it is still as it was read; the rest of its selector stays."""
    selector = {INSTANCE: place.release_of(side)}
    change = {"metadata": {"resourceVersion": resource_version}, "spec": {"selector": selector}}
    return Patch("api/v1", "services", place.release, change)


def patch(place: Place, wanted: Patch) -> str:
    """The same by a command."""
    told, namespace = quote(json.dumps(wanted.change)), quote(place.namespace)
    if wanted.is_applied:
        apply = f"kubectl apply --server-side --force-conflicts --field-manager {MANAGER} -n {namespace} -f -"
        return f'printf "%s" {told} | {apply} || exit 1'
    named = f"{wanted.kind} {quote(wanted.name)} -n {namespace}"
    return f"kubectl patch {named} --type merge -p {told} || exit 1"


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


def _note_kept(place: Place, side: str, note: Note) -> list[str]:
    """Shell functions that read the note and, at the end of whatever came of it, remove our own."""
    read_it = _field(f"configmap {quote(place.notes_of(side))}", place, f".data.{UPGRADE}")
    lines = [f"noted() {{ {read_it}; }}"]
    if note.text:
        forget = patch(place, noted(place, side, Note())).removesuffix(" || exit 1")
        lines.append(f'over() {{ case "$(noted)" in *{quote(note.text)}) {forget} >/dev/null 2>&1 ;; esac; }}')
        lines.append("trap over EXIT")
    return lines


def _still_wanted(place: Place, side: str, note: Note) -> list[str]:
    """Last looks, for a command that comes late: nobody has withdrawn it, and the side has not got the users."""
    stop = f"{{ echo {quote(MOVED)} >&2; exit 1; }}"
    lines = ["found=$(noted) || exit 1", f'[ "$found" = {quote(note.text)} ] || {stop}']
    if place.has_service:
        selector = ".spec.selector." + INSTANCE.replace(".", "\\.")
        lines.append(f"users=$({_field(f'service {quote(place.release)}', place, selector)}) || exit 1")
        lines.append(f'[ "$users" != {quote(place.release_of(side))} ] || {stop}')
    return lines


def _woken(place: Place, side: str, replicas: int) -> list[str]:
    has = _field(f"deployment {quote(place.deployment_of(side))}", place, ".spec.replicas")
    return [f"has=$({has}) || exit 1", f'[ "$has" != 0 ] || {patch(place, awake(place, side, replicas))}']


def _field(what: str, place: Place, path: str) -> str:
    """Print a field of something in the namespace; nothing where either is not there."""
    return f"kubectl get {what} -n {quote(place.namespace)} --ignore-not-found -o {quote(f'jsonpath={{{path}}}')}"


def _logged_in(unit: Unit) -> str:
    return f"helm registry login {quote(unit.registry)} -u {NOBODY} --password-stdin <{TOKEN} || exit 1"


def _cleared(release: str, namespace: str, stuck: Release) -> str:
    way = f"helm rollback {release} {stuck.sound}" if stuck.sound else f"helm uninstall {release}"
    return f'case "$last" in *{quote(_status(stuck))}*) {way} -n {namespace} || exit 1 ;; esac'


def _description(said: str) -> str:
    return f'"description":{json.dumps(said)}'


def _status(stuck: Release) -> str:
    return f'"status":"{stuck.status}"'


def _number(seen: Release) -> str:
    return f'"revision":{seen.number},'


def _scaled(place: Place, side: str, replicas: int, had: str | None, version: str | None) -> Patch:
    noted = {REPLICAS: had, VERSION: version}
    change = {"spec": {"replicas": replicas}, "metadata": {"annotations": noted}}
    return Patch("apis/apps/v1", "deployments", place.deployment_of(side), change)
