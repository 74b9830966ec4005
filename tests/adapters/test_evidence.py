"""Evidence is fetched over real TLS: what is sound arrives, hashed and unpacked, and what is hostile is refused."""

import gzip
import hashlib
import io
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from slipway.adapters.credentials import credential
from slipway.adapters.evidence.faults import Unreachable
from slipway.adapters.evidence.fetching import fetched
from slipway.promotion.errors import SlipwayError
from slipway.promotion.gates.evidence import Evidence
from slipway.settings import Settings
from tests.adapters.evidence_server import Send, Server, evidence_server, sent_on, whole
from tests.laptop import AzureStandin
from tests.owner import vault_of

REPORT = b'<testsuite><testcase name="a"/></testsuite>'
MB = 1024 * 1024
NOW = datetime(2026, 11, 24, tzinfo=UTC)
SMALL = 2 * MB


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with evidence_server(tmp_path_factory.mktemp("evidence"), "ci.example", "store.example") as running:
        running.answers["/report.xml"] = whole(REPORT)
        yield running


def settings(server: Server, hosts: str = "", **more: Any) -> Settings:
    given = {"evidence_hosts": hosts or f"localhost:{server.port}", "ca_file": server.ca, "evidence_bytes": SMALL}
    return replace(Settings(), **{**given, **more})


def on_loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def read(server: Server, path: str = "", url: str = "", sha256: str = "", hosts: str = "", **how: Any) -> bytes:
    evidence = Evidence("tests", NOW, url=url or server.url(path), sha256=sha256)
    with fetched(evidence, settings(server, hosts), **how) as found:
        return found.read.read()


def refused(server: Server, path: str = "", **how: Any) -> SlipwayError:
    with pytest.raises(SlipwayError) as raised:
        read(server, path, **how)
    return raised.value


def test_a_report_is_read_and_its_digest_is_of_what_lay_there(server: Server) -> None:
    packed = gzip.compress(REPORT)
    server.answers["/report.xml.gz"] = whole(packed)
    evidence = Evidence("tests", NOW, url=server.url("/report.xml.gz"))
    with fetched(evidence, settings(server)) as found:
        assert found.read.read() == REPORT
        assert found.digest == f"sha256:{hashlib.sha256(packed).hexdigest()}"


def test_what_came_with_the_message_needs_no_host(server: Server) -> None:
    evidence = Evidence("tests", NOW, inline=REPORT.decode(), sha256=hashlib.sha256(REPORT).hexdigest())
    with fetched(evidence, settings(server, "-.example")) as found:
        assert found.read.read() == REPORT


def test_another_hash_than_the_build_says_is_refused(server: Server) -> None:
    assert read(server, "/report.xml", sha256=hashlib.sha256(REPORT).hexdigest()) == REPORT
    fault = refused(server, "/report.xml", sha256="0" * 64)
    assert fault.code == "EVIDENCE_ALTERED" and "the build says 0000" in fault.words


def a_zip(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_a_zip_of_one_file_is_unpacked_and_one_of_more_is_not(server: Server) -> None:
    server.answers["/one.zip"] = whole(a_zip(report=REPORT))
    server.answers["/two.zip"] = whole(a_zip(report=REPORT, other=REPORT))
    server.answers["/many.zip"] = whole(a_zip(**{f"file-{n}": b"" for n in range(6000)}))
    server.answers["/cut.zip"] = whole(a_zip(report=REPORT)[:-30])
    assert read(server, "/one.zip") == REPORT
    for path in ("/two.zip", "/many.zip", "/cut.zip"):
        assert refused(server, path).code == "EVIDENCE_UNREADABLE"


def test_a_gzip_that_was_cut_off_is_unreadable(server: Server) -> None:
    server.answers["/cut.gz"] = whole(gzip.compress(REPORT * 50)[:-12])
    assert refused(server, "/cut.gz").code == "EVIDENCE_UNREADABLE"


@pytest.mark.parametrize("packed", [gzip.compress(bytes(40 * MB)), a_zip(bomb=bytes(40 * MB))], ids=["gzip", "zip"])
def test_a_bomb_is_given_up_long_before_it_is_unpacked(server: Server, packed: bytes) -> None:
    server.answers["/bomb"] = whole(packed)
    tracemalloc.start()
    fault = refused(server, "/bomb")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fault.code == "EVIDENCE_TOO_LARGE" and peak < 4 * MB


def test_a_gigabyte_that_is_announced_is_not_begun(server: Server) -> None:
    server.answers["/huge"] = lambda send: send(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
    fault = refused(server, "/huge")
    assert fault.code == "EVIDENCE_TOO_LARGE" and "1,073,741,824 bytes" in fault.words


def test_an_endless_stream_ends_at_the_limit(server: Server) -> None:
    def endless(send: Send) -> None:
        send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            send(b"10000\r\n" + bytes(0x10000) + b"\r\n")

    server.answers["/endless"] = endless
    assert refused(server, "/endless").code == "EVIDENCE_TOO_LARGE"


def drips(head: bytes) -> Any:
    def answer(send: Send) -> None:
        send(head)
        while True:
            send(b"x")
            time.sleep(0.02)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"),
        drips(b"HTTP/1.1 200 OK\r\n\r\n"),
        drips(b"HTTP/1.1 200 OK\r\nX-Slow: "),
        lambda _: time.sleep(3),
    ],
    ids=["a body", "a body without a length", "a header", "nothing"],
)
def test_what_comes_too_slowly_is_over_at_the_deadline(server: Server, answer: Any) -> None:
    server.answers["/slow"] = answer
    began = time.monotonic()
    fault = refused(server, "/slow", within_s=0.4)
    assert fault.code == "EVIDENCE_UNREACHABLE" and "did not answer in time" in fault.words
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("begun", [b"Content-Length: 10\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"])
def test_a_body_that_ends_too_early_is_asked_for_again(server: Server, begun: bytes) -> None:
    server.answers["/short"] = lambda send: send(b"HTTP/1.1 200 OK\r\n" + begun)
    assert refused(server, "/short").code == "EVIDENCE_UNREACHABLE"


@pytest.mark.parametrize(
    ("status", "code", "after_s"),
    [
        ("404 Not Found", "EVIDENCE_MISSING", None),
        ("403 Forbidden", "EVIDENCE_NOT_ALLOWED", None),
        ("400 Bad Request", "EVIDENCE_UNREADABLE", None),
        ("204 No Content", "EVIDENCE_UNREADABLE", None),
        ("503 Service Unavailable", "EVIDENCE_UNREACHABLE", 7),
        ("429 Too Many Requests", "EVIDENCE_UNREACHABLE", 7),
    ],
)
def test_what_a_host_answers_instead(server: Server, status: str, code: str, after_s: float | None) -> None:
    server.answers["/no"] = whole(b"no", status, **{"Retry-After": "7"})
    fault = refused(server, "/no")
    assert fault.code == code and "localhost answers" in fault.words
    assert (fault.after_s if isinstance(fault, Unreachable) else None) == after_s


def test_a_host_that_is_not_there_or_not_trusted_may_come(server: Server) -> None:
    fault = refused(server, url="https://localhost:9/x", hosts="localhost:9")
    assert fault.code == "EVIDENCE_UNREACHABLE"
    fault = refused(
        server,
        "/report.xml",
        url=server.url("/report.xml", "stranger.example"),
        resolve=on_loopback,
        hosts=f"stranger.example:{server.port}=127.0.0.0/8",
    )
    assert fault.code == "EVIDENCE_UNREACHABLE" and "certificate is not trusted" in fault.words


REFUSED_PLACES = [
    "http://localhost/x",
    "ftp://localhost/x",
    "https://bob:secret@localhost/x",
    "https:///x",
    "https://localhost:99999/x",
    "https://127.0.0.1/x",
    "https://2130706433/x",
    "https://0x7f.1/x",
    "https://[::1]/x",
    "https://[::ffff:169.254.169.254]/x",
    "https://169.254.169.254/metadata/instance",
    "https://localhost/a b",
    "https://localhost/\r\nX-Evil: 1",
    "https://localhost:1@169.254.169.254/x",
    "file:///etc/passwd",
    "https://[",
]


@pytest.mark.parametrize("place", REFUSED_PLACES)
def test_places_that_are_not_on_the_list_are_not_asked(server: Server, place: str) -> None:
    heard = len(server.heard)
    fault = refused(server, url=place)
    assert fault.code == "EVIDENCE_NOT_ALLOWED" and len(server.heard) == heard
    assert "secret" not in fault.words


NO_REDIRECT = ("https:///x", "https://localhost/\r\nX-Evil: 1")  # the same host; what no header can say


@pytest.mark.parametrize("place", [place for place in REFUSED_PLACES if place not in NO_REDIRECT])
def test_nor_where_a_host_that_is_on_it_sends_us_on_to_them(server: Server, place: str) -> None:
    server.answers["/on"] = sent_on(place)
    assert refused(server, "/on").code == "EVIDENCE_NOT_ALLOWED"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "169.254.169.254", "10.0.0.8", "168.63.129.16", "0.0.0.0", "100.64.0.1", "224.0.0.1"),
        *("::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::"),
    ],
)
def test_nor_where_a_name_on_it_leads_to_an_address_that_is_not_public(server: Server, address: str) -> None:
    fault = refused(server, url="https://ci.example/x", hosts="ci.example", resolve=lambda *_: [address])
    assert fault.code == "EVIDENCE_NOT_ALLOWED" and "not public" in fault.words


def test_a_name_is_resolved_once_and_the_connection_stays_there(server: Server) -> None:
    """A name that leads to an allowed address first, and elsewhere when it is asked again, is asked once."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    hosts = f"ci.example:{server.port}=127.0.0.0/8"
    url = server.url("/report.xml", "ci.example")
    assert read(server, url=url, hosts=hosts, resolve=rebinding) == REPORT
    assert asked == ["ci.example"]
    assert refused(server, url=url, hosts=hosts, resolve=rebinding).code == "EVIDENCE_NOT_ALLOWED"


def test_it_follows_three_redirects_and_no_more(server: Server) -> None:
    for n in range(5):
        server.answers[f"/{n}"] = sent_on(f"/{n + 1}")
    server.answers["/5"] = whole(REPORT)
    assert read(server, "/2") == REPORT
    assert "sends on more than 3 times" in refused(server, "/1").words


def test_a_secret_goes_to_its_own_host_alone_and_to_none_that_it_sends_us_on_to(
    server: Server, azure: AzureStandin, tmp_path: Path
) -> None:
    both = tmp_path / "both.pem"
    both.write_text(server.ca.read_text() + Path(str(azure.settings.ca_file)).read_text())
    vault_of(azure).set_secret("ci-read", "Bearer s3cret-of-ci")
    server.answers["/artifact"] = sent_on(server.url("/signed", "store.example"))
    server.answers["/signed"] = whole(REPORT)
    hosts = f"ci.example:{server.port}=127.0.0.1#ci-read store.example:{server.port}=127.0.0.1"
    known = settings(server, hosts, vault=azure.url, ca_file=both)
    for path, host, sent in (("/artifact", "ci.example", [True, False]), ("/signed", "store.example", [False])):
        server.heard.clear()
        evidence = Evidence("tests", NOW, url=server.url(path, host))
        with fetched(evidence, known, resolve=on_loopback) as found:
            assert found.read.read() == REPORT
        assert ["authorization: Bearer s3cret-of-ci" in request for request in server.heard] == sent


def test_a_blob_of_a_listed_account_is_read_with_our_own_identity(azure: AzureStandin) -> None:
    from azure.storage.blob import ContainerClient

    endpoint = azure.settings.blobs_endpoint
    container = ContainerClient(endpoint, "reports", credential=credential(), **azure.settings.client_options)
    container.create_container()
    container.upload_blob("tests.xml", REPORT, blob_type="AppendBlob")
    evidence = Evidence("tests", NOW, url=f"{container.url}/tests.xml")
    host = endpoint.split("/")[2]
    with fetched(evidence, replace(azure.settings, evidence_hosts=f"blob:{host}")) as found:
        assert found.read.read() == REPORT
    without = replace(azure.settings, evidence_hosts=host)
    with pytest.raises(SlipwayError, match="EVIDENCE_NOT_ALLOWED"), fetched(evidence, without):
        pass


@pytest.mark.parametrize("hosts", ["*", "*.*.example", "example/path", "host=10.0.0.0/99", "https://host", "a:b"])
def test_a_list_that_cannot_be_read_says_so(server: Server, hosts: str) -> None:
    fault = refused(server, "/report.xml", hosts=hosts)
    assert fault.code == "SETTING_INVALID" and "SLIPWAY_EVIDENCE_HOSTS" in fault.words


def test_without_a_list_nobody_is_asked(server: Server) -> None:
    evidence = Evidence("tests", NOW, url=server.url("/report.xml"))
    nobody = replace(settings(server), evidence_hosts="")
    with pytest.raises(SlipwayError, match="SLIPWAY_EVIDENCE_HOSTS lists"), fetched(evidence, nobody):
        pass


def test_everything_below_a_suffix_and_not_the_suffix_itself(server: Server) -> None:
    hosts = f"*.example:{server.port}"
    public = ["203.0.113.7"]  # for documentation, so not global
    for host, why in (("ci.example", "not public"), ("example", "may not come"), ("ci.example.evil", "may not come")):
        fault = refused(server, url=server.url("/x", host), hosts=hosts, resolve=lambda *_: public)
        assert why in fault.words
