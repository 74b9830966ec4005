"""The artifact feed: a public download of zip packages, built from the version's name or uploaded before.

A built package holds no code. Its `release.json` says which service and version the worker plays, and which
faults the build carries; the version's suffix chooses those.
"""

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path

from aiohttp import web

from slipway.local.azure.state import replace

FAULTS: dict[str, dict[str, float | int | bool | str]] = {
    "errors": {"error_rate": 0.2},
    "slow": {"latency_ms": 400},
    "slower": {"latency_ms": 40},  # within any usual limit, beside the release before it is not
    "crash": {"crash_on_start": True},
    "sick": {"unhealthy_after_s": 4},
    "dead": {"dies_of": "/die"},
    "subtle": {"error_rate": 0.006},
    "hungry": {"cpu_ms": 20},
}
# Those of one region alone, by its name.
FAULTS_IN: dict[str, dict[str, dict[str, float | int | bool]]] = {"eastus": {"East US": {"error_rate": 0.03}}}
# What a release that reads the flag `new-checkout` does to the users who have it; to others it is healthy.
FLAG, FLAG_LABEL = "new-checkout", "production"
FLAGGED: dict[str, dict[str, float]] = {
    "flag": {},
    "flagerrors": {"error_rate": 0.3},
    "flagslow": {"latency_ms": 400},
}
# ZIP's own epoch: a package must not differ from one minute to the next.
EPOCH = (1980, 1, 1, 0, 0, 0)

SERVICE = re.compile(r"[a-z0-9](-?[a-z0-9])*")
VERSION_ID = re.compile(r"[0-9a-f]{16}")
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+-]{0,63}")


def faults_of(version: str) -> dict[str, float | int | bool | str]:
    """`2.1.0-errors` carries the faults named `errors`; a version without such a suffix is healthy."""
    return dict(FAULTS.get(version.rpartition("-")[2], {})) if "-" in version else {}


def build_package(service: str, version: str, usual_error_rate: float = 0.0) -> bytes:
    """The zip of a release; the same bytes for the same names. `usual_error_rate` (0..1) is what fails of every
    release of the service, however good, as in any service."""
    faults = faults_of(version)
    release: dict[str, object] = {"service": service, "version": version, "faults": faults}
    suffix = version.rpartition("-")[2] if "-" in version else ""
    if (elsewhere := FAULTS_IN.get(suffix)) is not None:
        release["faults_in"] = elsewhere
    flagged = FLAGGED.get(suffix)
    if flagged is not None:
        release["flags"] = {FLAG: {"label": FLAG_LABEL, **flagged}}
    if usual_error_rate:
        release["usual_error_rate"] = usual_error_rate
    readme = f"# {service} {version}\n\nA package of the laptop's artifact feed.\n"
    wrong = faults or release.get("faults_in")
    readme += f"It misbehaves on purpose: {json.dumps(wrong)}\n" if wrong else "It is healthy.\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in (("release.json", json.dumps(release, indent=2) + "\n"), ("README.md", readme)):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            package.writestr(entry, text)
    return buffer.getvalue()


class ArtifactFeed:
    """`GET` and `PUT /artifacts/{service}/{version}.zip`; `folder` keeps what was uploaded, as blobs that keep their
    versions: each has an id, and `?versionid=` asks for it."""

    PATH = "/artifacts/{service}/{version}.zip"

    def __init__(self, folder: Path, usual_error_rate: float = 0.0) -> None:
        self._folder = folder
        self._usual_error_rate = usual_error_rate

    def routes(self) -> list[web.RouteDef]:
        return [web.get(self.PATH, self.download), web.put(self.PATH, self.upload)]

    async def download(self, request: web.Request) -> web.Response:
        service, version = _names(request)
        asked = request.query.get("versionid")
        if asked is None:
            uploaded = self._file(service, version).exists()
            content = self.content(service, version)
            headers = {"x-ms-version-id": _id_of(content)} if uploaded else {}
            return web.Response(body=content, content_type="application/zip", headers=headers)
        kept = self._kept(service, version, asked)
        if VERSION_ID.fullmatch(asked) is None or not kept.exists():
            raise web.HTTPNotFound(text="no such version of the blob")
        return web.Response(body=kept.read_bytes(), content_type="application/zip")

    def content(self, service: str, version: str) -> bytes:
        """The package of that name."""
        uploaded = self._file(service, version)
        built = build_package(service, version, self._usual_error_rate)
        return uploaded.read_bytes() if uploaded.exists() else built

    async def upload(self, request: web.Request) -> web.Response:
        service, version = _names(request)
        content = await request.read()
        if not zipfile.is_zipfile(io.BytesIO(content)):
            raise web.HTTPBadRequest(text="the body is not a zip file")
        target = self._file(service, version)
        target.parent.mkdir(parents=True, exist_ok=True)
        replace(self._kept(service, version, _id_of(content)), content)
        replace(target, content)
        return web.Response(status=201)

    def _file(self, service: str, version: str) -> Path:
        return self._folder / service / f"{version}.zip"

    def _kept(self, service: str, version: str, id: str) -> Path:
        return self._folder / service / f"{version}@{id}.zip"


def _id_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _names(request: web.Request) -> tuple[str, str]:
    service, version = request.match_info["service"], request.match_info["version"]
    if not SERVICE.fullmatch(service) or not VERSION.fullmatch(version):
        raise web.HTTPNotFound(text="no such service or version name")
    return service, version
