"""The feed from which deployments fetch their packages."""

import io
import json
import zipfile

import pytest

from tests.azure_standin.standin import StandinProcess


@pytest.fixture(scope="module")
def standin(untouched: StandinProcess) -> StandinProcess:
    return untouched


def release(package: bytes) -> object:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return json.loads(archive.read("release.json"))


@pytest.mark.parametrize(
    ("version", "faults"),
    [
        ("1.2.3", {}),
        ("1.2.3-rc.1", {}),
        ("1.2.3-errors", {"error_rate": 0.2}),
        ("1.2.3-slow", {"latency_ms": 400}),
        ("1.2.3-crash", {"crash_on_start": True}),
        ("1.2.3-sick", {"unhealthy_after_s": 4}),
        ("1.2.3-dead", {"dies_of": "/die"}),
    ],
)
def test_a_version_is_built_on_demand_with_the_faults_it_is_named_for(
    standin: StandinProcess, version: str, faults: object
) -> None:
    with standin.http() as http:
        package = http.get(f"/artifacts/checkout/{version}.zip").content
    assert release(package) == {"service": "checkout", "version": version, "faults": faults}


def test_the_same_version_is_the_same_bytes(standin: StandinProcess) -> None:
    with standin.http() as http:
        assert len({http.get("/artifacts/checkout/1.2.3.zip").content for _ in range(3)}) == 1


def test_an_uploaded_package_is_served_as_it_is(standin: StandinProcess) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("release.json", '{"service": "cart", "version": "9"}')
    with standin.http() as http:
        assert http.put("/artifacts/cart/9.zip", content=package.getvalue()).status_code == 201
        assert http.get("/artifacts/cart/9.zip").content == package.getvalue()
        assert http.put("/artifacts/cart/10.zip", content=b"no zip").status_code == 400


def test_names_that_are_none_are_not_found(standin: StandinProcess) -> None:
    with standin.http() as http:
        for path in ("/artifacts/CART/1.zip", "/artifacts/cart/%2e%2e%2f1.zip", "/artifacts/cart/a%20b.zip"):
            assert http.get(path).status_code in (404, 501)
