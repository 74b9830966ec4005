"""The process behind a site: serves one unpacked package over HTTP on loopback until its parent is gone.

    python -m slipway.local.azure.worker --package DIR --instance NAME

`release.json` in DIR says what to play: `{"service", "version", "faults": {...}, "faults_in": {region: {...}},
"requires_header": {...}, "flags": {...}}`. It prints `{"port": N}` once it listens. `GET /version` and `GET /healthz`
answer for the release, every other path is traffic. Only the standard library and its own few lines of HTTP/1.1: a
worker has to start in a blink and to leave the cores to the load.
"""

import argparse
import asyncio
import hashlib
import json
import os
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.local.azure.released import REGION, faults_at

if TYPE_CHECKING:
    from slipway.local.azure.feature_flags import Evaluated

# What a request waits for in a service like this: its database.
WORK_S = (0.002, 0.005)
MAX_HEAD = 64 * 1024
USER = "x-user"  # the header, or the cookie, that names the user


@dataclass(frozen=True)
class Flagged:
    """What a feature flag leads to, for the users who have it: faults of their own, in the release's terms."""

    label: str = ""
    error_rate: float = 0.0
    latency_ms: float = 0.0


@dataclass(frozen=True)
class Release:
    """`error_rate`, beside the `usual_error_rate` of any release, in 0..1 and `latency_ms` on traffic only;
    `cpu_ms` is what each such request takes of the CPU, `unhealthy_after_s` counts from the start. A request to the
    path `dies_of` takes an instance down: 503 on every path from then on, until it is started again.

    `requires_header`: what every request but `/version` must carry, by name (small letters), as the SHA-256 of the
    value in hex, so that the package itself holds no credential. `flags` are those that it reads, by name.
    """

    service: str
    version: str
    error_rate: float = 0.0
    usual_error_rate: float = 0.0
    latency_ms: float = 0.0
    cpu_ms: float = 0.0
    crash_on_start: bool = False
    unhealthy_after_s: float | None = None
    dies_of: str = ""
    requires_header: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, Flagged] = field(default_factory=dict)

    @classmethod
    def load(cls, package: Path) -> "Release":
        told = json.loads((package / "release.json").read_text(encoding="utf-8"))
        required = told.get("requires_header", {})
        usual = told.get("usual_error_rate", 0.0)
        faults = faults_at(told, os.environ.get(REGION, ""))
        flags = {name: Flagged(**flag) for name, flag in told.get("flags", {}).items()}
        known = {"usual_error_rate": usual, "requires_header": required, "flags": flags}
        return cls(told["service"], told["version"], **known, **faults)

    def lets_in(self, headers: Mapping[str, str]) -> bool:
        """Whether a request with these headers carries what the release demands."""
        return all(
            hashlib.sha256(headers.get(name, "").encode("latin-1")).hexdigest() == wanted
            for name, wanted in self.requires_header.items()
        )


@dataclass(frozen=True)
class Answer:
    """`features`: each flag that was asked for this request as `name;variant;on`, for the telemetry."""

    status: int
    body: dict[str, object]
    features: tuple[str, ...] = ()


class App:
    """What the release answers, as one of its instances."""

    def __init__(self, release: Release, instance: str) -> None:
        self.release = release
        self.instance = instance
        self._flag: Callable[[str, str], Evaluated] | None = None
        if release.flags:
            from slipway.local.azure.feature_flags import Polled  # and with it the library's HTTP and TLS

            polled = Polled({name: flag.label for name, flag in release.flags.items()}, os.environ)
            polled.start()
            self._flag = polled.of
        self._started = time.monotonic()
        self._dead = False

    async def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        release = self.release
        self._dead = self._dead or path == release.dies_of
        if self._dead:
            return Answer(503, {"error": "the service is down"})
        if path == "/version":
            return Answer(200, {"service": release.service, "version": release.version})
        if not release.lets_in(headers):
            return Answer(401, {"error": "a header is missing or wrong", "version": release.version})
        if path == "/healthz":
            after = release.unhealthy_after_s
            if after is not None and time.monotonic() - self._started >= after:
                return Answer(503, {"status": "unhealthy", "version": release.version})
            return Answer(200, {"status": "ok", "version": release.version})
        user = _user(headers)
        evaluated = {name: self._flag(name, user) for name in release.flags} if user and self._flag else {}
        on = [release.flags[name] for name, each in evaluated.items() if each.new]
        features = tuple(f"{name};{each.variant};{each.on}" for name, each in evaluated.items())
        await asyncio.sleep(random.uniform(*WORK_S) + (release.latency_ms + sum(each.latency_ms for each in on)) / 1000)
        _burn(release.cpu_ms / 1000)
        if random.random() < release.usual_error_rate + release.error_rate + sum(each.error_rate for each in on):
            return Answer(500, {"error": "the release failed this request", "version": release.version}, features)
        return Answer(200, {"service": release.service, "version": release.version, "path": path}, features)


def _user(headers: Mapping[str, str]) -> str:
    cookies = (pair.strip().partition("=") for pair in headers.get("cookie", "").split(";"))
    return headers.get(USER) or next((value for name, _, value in cookies if name == USER), "")


def _burn(cpu_s: float) -> None:
    """Whoever waits for this process waits on."""
    until = time.process_time() + cpu_s
    while cpu_s and time.process_time() < until:
        pass


class Connection:
    """One keep-alive connection; requests are answered one after the other (RFC 9112 §9.3)."""

    def __init__(self, app: App, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._app = app
        self._reader = reader
        self._writer = writer

    async def serve(self) -> None:
        try:
            while await self._one_request():
                pass
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # the client went away, which is its right
        finally:
            self._writer.close()

    async def _one_request(self) -> bool:
        """True while the connection stays open."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request_line, *lines = head.split("\r\n")
        parts = request_line.split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if len(parts) != 3:
            self._write("GET", Answer(400, {"error": "not an HTTP request"}), keep=False)
            return False
        method, target, _ = parts
        if "transfer-encoding" in headers:
            self._write(method, Answer(411, {"error": "send a Content-Length"}), keep=False)
            return False
        await self._reader.readexactly(int(headers.get("content-length") or 0))
        keep = headers.get("connection", "").lower() != "close"
        self._write(method, await self._app.answer(target.partition("?")[0], headers), keep)
        await self._writer.drain()
        return keep

    def _write(self, method: str, answer: Answer, keep: bool) -> None:
        body = json.dumps(answer.body).encode() + b"\n"  # a shell's prompt begins on a line of its own
        head = (
            f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"x-version: {self._app.release.version}\r\nx-instance: {self._app.instance}\r\n"
            # What this process has used so far: the front end counts it, and does not pass it on.
            f"x-cpu-s: {time.process_time():.6f}\r\n"
        )
        head += "".join(f"x-feature: {each}\r\n" for each in answer.features)
        closing = "" if keep else "Connection: close\r\n"
        self._writer.write(f"{head}{closing}\r\n".encode() + (b"" if method == "HEAD" else body))


async def serve(release: Release, instance: str) -> None:
    """Serves until standard input ends, which it does however the parent dies."""
    app = App(release, instance)
    server = await asyncio.start_server(
        lambda reader, writer: Connection(app, reader, writer).serve(), "127.0.0.1", 0, limit=MAX_HEAD
    )
    parent_gone = asyncio.Event()
    parent = sys.stdin.fileno()

    def read_parent() -> None:
        if not os.read(parent, 1024):
            parent_gone.set()

    asyncio.get_running_loop().add_reader(parent, read_parent)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await parent_gone.wait()
    # Whoever is still connected is cut off: nobody can reach this worker through its front end any more.
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m slipway.local.azure.worker")
    parser.add_argument("--package", type=Path, required=True, metavar="DIR")
    parser.add_argument("--instance", default="laptop", metavar="NAME")
    arguments = parser.parse_args()
    release = Release.load(arguments.package)
    print(f"starting {release.service} {release.version}", file=sys.stderr, flush=True)
    if release.crash_on_start:
        raise RuntimeError(
            f"{release.service} {release.version} cannot start: required setting DATABASE_URL is missing"
        )
    asyncio.run(serve(release, arguments.instance))


if __name__ == "__main__":
    main()
