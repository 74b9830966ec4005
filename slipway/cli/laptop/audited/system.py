"""What the demo for auditors tells and asks the running system: builds and their evidence, and Slipway's rights."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from slipway.cli.connection import promotion_path
from slipway.cli.laptop.audited.evidence import KNOWN, Signer, coverage, findings
from slipway.cli.laptop.audited.layout import SERVICE
from slipway.cli.laptop.supervisor import Laptop
from slipway.cli.laptop.virtual.system import VirtualSystem
from slipway.cli.submit import build_message
from slipway.promotion.audit_scope import Scope
from slipway.promotion.ids import promotion_id

ARM, VAULT, STORAGE = "https://management.azure.com", "https://vault.azure.net", "https://storage.azure.com"
KEY = "slipway-audit"


class System(VirtualSystem):
    """A laptop that has just started, with a clock that stands. `ci` signs what it has built; `given` is the file
    of the roles that Slipway's identity has."""

    def __init__(self, laptop: Laptop, ci: Signer, given: Path) -> None:
        super().__init__(laptop)
        self._ci = ci
        self._given = given
        self.ends: Mapping[str, str] = laptop.azure["sites"]

    def send(self, version: str, **instead: str | None) -> None:
        """CI's message of a build of bob's onto the queue, with the addresses of its evidence: what a sound build has,
        or `instead` of it; None leaves that out."""
        evidence = {**self._sound(version), **instead}
        hotfix = evidence.pop("hotfix", None)
        message = self.build(version) | ({"hotfix": hotfix} if hotfix else {})
        published = {name: self.published(version, name, text) for name, text in evidence.items() if text is not None}
        self.put(message | {"evidence": published}, version)

    def build(self, version: str) -> dict[str, Any]:
        """The message without evidence. It names the digest of the package that the artifact feed has."""
        package = self._http.get(f"{self._azure}/artifacts/{SERVICE}/{version}.zip").raise_for_status().content
        digest = f"sha256:{hashlib.sha256(package).hexdigest()}"
        return build_message(SERVICE, version, digest=digest, finished_at=self.now().isoformat(timespec="seconds"))

    def provenance(self, version: str, by: Signer | None = None) -> str:
        """Signed by CI, or by somebody else."""
        build = self.build(version)
        return (by or self._ci).provenance(build["digest"], build["commit"])

    def published(self, version: str, name: str, text: str) -> dict[str, str]:
        """CI publishes a file, zipped: what the build's message says of it."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, text)
        url = f"{self._azure}/artifacts/{SERVICE}-evidence/{version}-{name}.zip"
        self._http.put(url, content=packed.getvalue()).raise_for_status()
        sha256 = hashlib.sha256(packed.getvalue()).hexdigest()
        made = self.now() - timedelta(minutes=1)
        return {"url": url, "sha256": sha256, "produced_at": made.isoformat(timespec="seconds")}

    def supply(self, person: str, version: str, name: str, text: str) -> str:
        """A person gives a gate its evidence: its digest."""
        said = {"name": name, **self.published(version, f"{name}-later", text)}
        self.who(person).post(promotion_path(promotion_id(SERVICE, version), "evidence"), said)
        return f"sha256:{said['sha256']}"

    def live(self) -> str:
        """Which version users of production meet."""
        return str(self._http.get(f"{self.ends['payments-weu']}/version").raise_for_status().json()["version"])

    def as_slipway(self, method: str, resource: str, url: str) -> tuple[int, str]:
        """What Azure answers when Slipway's own identity asks for that: status and text."""
        headers = {**self._bearer(resource, self.laptop.azure["msi_header"]), "x-ms-version": "2023-11-03"}
        heard = self._http.request(method, self._azure + url, headers=headers)
        return heard.status_code, heard.text

    def given(self) -> set[str]:
        """The actions of its roles, in small letters."""
        roles = json.loads(self._given.read_text(encoding="utf-8"))["roles"]
        return {action.lower() for role in roles for action in (*role["actions"], *role["dataActions"])}

    def asked(self) -> set[str]:
        """The actions that Slipway's identity has asked Azure for so far, likewise."""
        return set(self._http.get(f"{self._azure}/standin/rights").raise_for_status().json()["asked"])

    def keep_keys(self, file: Path) -> None:
        """The public key of the vault, as `az keyvault key show` prints it to the vault's owner."""
        bearer = self._bearer(VAULT, self.laptop.azure["owner_header"])
        heard = self._http.get(f"{self._azure}/keys/{KEY}", params={"api-version": "7.4"}, headers=bearer)
        file.write_text(json.dumps({"keys": [heard.raise_for_status().json()["key"]]}, indent=1), encoding="utf-8")

    def export(self, person: str, file: Path) -> tuple[int, int]:
        """What `slipway audit export` writes: how many chains, and lines. Raises Failure."""
        from slipway.cli.audit.export import write_trail

        with file.open("wb") as written:
            return write_trail(self.who(person), Scope("", "", ""), written)

    def _sound(self, version: str) -> dict[str, str | None]:
        return {"coverage": coverage(86), "sarif": findings(KNOWN), "provenance": self.provenance(version)}

    def _bearer(self, resource: str, header: str) -> dict[str, str]:
        asked = {"resource": resource, "api-version": "2019-08-01"}
        heard = self._http.get(self.laptop.azure["msi_endpoint"], params=asked, headers={"X-IDENTITY-HEADER": header})
        return {"authorization": f"Bearer {heard.raise_for_status().json()['access_token']}"}
