"""The images that registries hold: a manifest under each tag, and one layer with the package that it runs.

A tag is what the artifact feed has under that version now. What was once pulled or looked up stays under its digest,
as in a registry, though the tag has moved since.
"""

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.local.azure.artifacts import VERSION, ArtifactFeed
from slipway.local.azure.state import replace

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS manifests (repository TEXT, digest TEXT, body BLOB, PRIMARY KEY (repository, digest))"
)
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/zip"
EMPTY = b"{}"


class ImageUnknown(Exception):
    """No such repository, tag or digest."""


@dataclass(frozen=True)
class Manifest:
    body: bytes

    @property
    def digest(self) -> str:
        return digest_of(self.body)

    @property
    def layer(self) -> str:
        """The digest of the package; empty of one without layers."""
        layers = json.loads(self.body)["layers"]
        return str(layers[0]["digest"]) if layers else ""


class Images:
    """`services` are the artifact feed's by their repositories, `registry.example/checkout`; `bare` are
    repositories that have every version and no layers, as charts and the images of jobs. `folder` keeps the layers."""

    def __init__(
        self,
        database: sqlite3.Connection,
        feed: ArtifactFeed,
        services: dict[str, str],
        folder: Path,
        bare: tuple[str, ...] = (),
    ) -> None:
        database.execute(SCHEMA)
        self._db = database
        self._feed = feed
        self._services = services
        self._bare = bare
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def package(self, image: str) -> bytes:
        """What `registry/name:tag`, `…@sha256:…` or both run; the digest decides. Raises ImageUnknown."""
        named, _, digest = image.partition("@")
        repository, tag = named, ""
        if ":" in named.rpartition("/")[2]:
            repository, _, tag = named.rpartition(":")
        if not digest:
            return self._content(repository, tag)
        return (self._folder / self.manifest(repository, digest).layer.removeprefix("sha256:")).read_bytes()

    def manifest(self, repository: str, reference: str) -> Manifest:
        """Under a tag or a digest. Raises ImageUnknown."""
        if reference.startswith("sha256:"):
            where = "SELECT body FROM manifests WHERE repository = ? AND digest = ?"
            row = self._db.execute(where, (repository, reference)).fetchone()
            if row is None:
                raise ImageUnknown(f"{repository}@{reference}")
            return Manifest(row["body"])
        made = self._made(repository, reference)
        row = repository, made.digest, made.body
        self._db.execute("INSERT OR IGNORE INTO manifests (repository, digest, body) VALUES (?, ?, ?)", row)
        return made

    def _made(self, repository: str, tag: str) -> Manifest:
        layers: list[dict[str, Any]] = []
        if repository not in self._bare:
            content = self._content(repository, tag)
            digest = digest_of(content)
            layers.append({"mediaType": LAYER, "digest": digest, "size": len(content)})
            kept = self._folder / digest.removeprefix("sha256:")
            if not kept.exists():
                replace(kept, content)
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(EMPTY), "size": 2},
            "layers": layers,
            "annotations": {"org.opencontainers.image.version": tag, "org.opencontainers.image.ref.name": repository},
        }
        return Manifest(json.dumps(document).encode())

    def _content(self, repository: str, tag: str) -> bytes:
        service = self._services.get(repository)
        if service is None or not VERSION.fullmatch(tag):
            raise ImageUnknown(f"{repository}:{tag}")
        return self._feed.content(service, tag)


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
