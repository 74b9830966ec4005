"""Probes against real servers: health, version, certificates, slowness."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from slipway.adapters.http_probe import probe, read_version
from slipway.promotion.port_values import ProbeResult
from slipway.settings import Settings
from tests.adapters.site import Page, a_release, a_site

HTTP = Settings()


def look(address: str, version: str = "1.4.2", settings: Settings = HTTP, timeout_s: float = 2.0) -> ProbeResult:
    return probe(f"{address}/healthz", f"{address}/version", version, timeout_s, settings)


def test_a_healthy_release_of_the_right_version_passes() -> None:
    with a_site(a_release("1.4.2")) as address:
        seen = look(address)
    assert (seen.ok, seen.status, seen.version, seen.words) == (True, 200, "1.4.2", "")
    assert 0 < seen.latency_ms < 2000


def test_another_version_is_named() -> None:
    with a_site(a_release("1.4.1")) as address:
        seen = look(address)
    assert not seen.ok and seen.version == "1.4.1"
    assert "answers version 1.4.1, expected 1.4.2" in seen.words


@pytest.mark.parametrize("status", [204, 302, 404, 500, 503])
def test_only_a_2xx_is_healthy_and_redirects_are_not_followed(status: int) -> None:
    with a_site(a_release("1.4.2", health=status)) as address:
        seen = look(address)
    assert (seen.ok, seen.status) == (status == 204, status)
    assert seen.ok or f"answers {status}" in seen.words


def test_nothing_listening_is_no_connection() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        seen = look(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert (seen.ok, seen.status, seen.version) == (False, 0, None)
    assert "connection refused or lost" in seen.words


def test_a_server_that_does_not_answer_in_time_is_given_up() -> None:
    with a_site(a_release("1.4.2", slow_s=3)) as address:
        seen = look(address, timeout_s=0.3)
    assert not seen.ok and "no answer in time" in seen.words
    assert seen.latency_ms < 1500


@pytest.mark.parametrize("pause_s", [0.05, 5.0], ids=["drips", "stalls"])
def test_a_body_that_comes_too_slowly_is_given_up_too(pause_s: float) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                try:
                    while not stop.wait(pause_s):
                        connection.sendall(b"x" * 5)
                except OSError:
                    return  # the prober hung up, as it should

        thread = threading.Thread(target=drip)
        thread.start()
        seen = look(f"http://127.0.0.1:{server.getsockname()[1]}", timeout_s=0.4)
        stop.set()
        thread.join()
    assert not seen.ok and "its body came too slowly" in seen.words


@pytest.mark.parametrize(
    "body", [b"", b"1.4.2", b"[]", b'{"version": null}', b'{"name": "x"}', b"\xff{", b"[" * 60_000]
)
def test_what_says_no_version_has_none(body: bytes) -> None:
    def answer(path: str) -> Page:
        return 200, body if path == "/version" else b""

    with a_site(answer) as address:
        assert read_version(f"{address}/version", 2.0, HTTP) is None
        seen = look(address)
    assert not seen.ok and "does not say its version" in seen.words


@pytest.fixture
def certified(tmp_path: Path) -> Iterator[tuple[Path, ssl.SSLContext]]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    yield tmp_path / "ca.pem", tls


def test_a_certificate_is_checked_against_the_configured_authority(
    certified: tuple[Path, ssl.SSLContext],
) -> None:
    ca, tls = certified
    with a_site(a_release("1.4.2"), tls) as address:
        assert look(address, settings=Settings(ca_file=ca)).ok
        untrusted = look(address)
    assert not untrusted.ok and "certificate is not trusted" in untrusted.words
