"""Packages on their way to a site: fetched by address, checked, unpacked into a folder per release."""

import asyncio
import io
import json
import shutil
import ssl
import zipfile
from pathlib import Path

import aiohttp

from slipway.local.azure.artifacts import build_package
from slipway.local.azure.unwritable import is_unwritable

FETCH_TIMEOUT_S = 60
LARGEST_PACKAGE = 100 * 1024 * 1024
LARGEST_UNPACKED = 500 * 1024 * 1024


class PackageRefused(Exception):
    """The package cannot be fetched or is not one; the text says why."""


class Packages:
    """One folder per release id below `folder`."""

    def __init__(self, folder: Path, http: aiohttp.ClientSession, tls: ssl.SSLContext) -> None:
        self._folder = folder
        self._http = http
        self._tls = tls
        folder.mkdir(parents=True, exist_ok=True)

    def at(self, release: str) -> Path:
        return self._folder / release

    async def fetch(self, release: str, uri: str) -> Path:
        """Downloads and unpacks; raises PackageRefused, or OSError when the disk takes no more."""
        return await asyncio.to_thread(self._unpack, release, await self._download(uri))

    def build(self, release: str, service: str, version: str, usual_error_rate: float = 0.0) -> Path:
        """The feed's package of this version, without a detour over the network."""
        return self.install(release, build_package(service, version, usual_error_rate))

    def install(self, release: str, content: bytes) -> Path:
        """Unpacks what is at hand already; raises PackageRefused, or OSError when the disk takes no more."""
        return self._unpack(release, content)

    def keep_only(self, releases: set[str]) -> None:
        for entry in self._folder.iterdir():
            if entry.is_dir() and entry.name not in releases:
                self.remove(entry.name)

    def remove(self, release: str) -> None:
        shutil.rmtree(self.at(release), ignore_errors=True)
        for log in self._folder.glob(f"{release}.*.log"):
            log.unlink(missing_ok=True)

    async def _download(self, uri: str) -> bytes:
        try:
            timeout = aiohttp.ClientTimeout(total=FETCH_TIMEOUT_S)
            async with self._http.get(uri, ssl=self._tls, timeout=timeout) as answer:
                if answer.status != 200:
                    raise PackageRefused(f"the package could not be downloaded: HTTP {answer.status}")
                content = await answer.content.read(LARGEST_PACKAGE + 1)
                while len(content) <= LARGEST_PACKAGE and (more := await answer.content.read(1 << 20)):
                    content += more
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise PackageRefused(f"the package could not be downloaded: {reason}") from error
        if len(content) > LARGEST_PACKAGE:
            raise PackageRefused(f"the package is larger than {LARGEST_PACKAGE} bytes")
        return content

    def _unpack(self, release: str, content: bytes) -> Path:
        folder = self.at(release)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as package:
                if sum(entry.file_size for entry in package.infolist()) > LARGEST_UNPACKED:
                    raise PackageRefused(f"the package unpacks to more than {LARGEST_UNPACKED} bytes")
                package.extractall(folder)
            json.loads((folder / "release.json").read_text(encoding="utf-8"))
        except zipfile.BadZipFile as error:
            raise PackageRefused(f"the package is not a zip file: {error}") from error
        except (OSError, ValueError) as error:
            if is_unwritable(error):
                raise
            raise PackageRefused(f"the package has no readable release.json: {error}") from error
        return folder
