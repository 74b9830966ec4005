"""HTTP functions over real requests."""

import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests import plain_http
from tests.functions_host.processes import APPS, ROOT, Process, a_host, eventually


def test_route_values_reach_the_function(shop: httpx.Client) -> None:
    assert shop.get("/api/shops/12").json() == {"shop": "12"}
    assert shop.get("/api/shops/corner%20shop").json() == {"name": "corner shop"}
    assert shop.get("/api/shops/best").json() == {"best": True}
    assert shop.get("/api/files/2026/11/list.csv").json() == {"rest": "2026/11/list.csv"}


def test_setting_of_local_settings_json_reaches_the_function(shop: httpx.Client) -> None:
    assert shop.get("/api/greet/Ada").text == "hello Ada"
    answer = shop.get("/api/greet")
    assert (answer.text, answer.headers["content-type"]) == ("hello stranger", "text/plain; charset=utf-8")


def test_unknown_path_or_method_is_not_found(shop: httpx.Client) -> None:
    assert shop.get("/api/nothing").status_code == 404
    assert shop.get("/shops/12").status_code == 404
    assert shop.get("/api/echo").status_code == 404


def test_function_sees_the_whole_request(shop: httpx.Client) -> None:
    answer = shop.post("/api/echo?a=1&a=2&b=%26", content=b"\x00\xe9", headers={"x-colour": "blue"}).json()
    assert answer["method"] == "POST"
    assert answer["url"] == f"{shop.base_url}/api/echo?a=1&a=2&b=%26"
    assert answer["query"] == {"a": "1,2", "b": "&"}
    assert answer["header"] == "blue"
    assert answer["body"] == "\x00\xe9"
    assert answer["function"] == "echo"
    assert answer["thread"] != "MainThread"
    assert shop.put("/api/echo", json={"x": [1]}).json()["json"] == {"x": [1]}


def test_every_invocation_has_its_own_id(shop: httpx.Client) -> None:
    first, second = (shop.post("/api/echo").json()["invocation"] for _ in range(2))
    assert first != second


def test_answer_keeps_status_type_headers_and_cookies(shop: httpx.Client) -> None:
    answer = shop.get("/api/decorated")
    assert (answer.status_code, answer.content) == (418, b"\x00\xff")
    assert (answer.headers["content-type"], answer.headers["x-tea"]) == ("image/x-pot", "green")
    assert answer.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; HttpOnly"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("broken", "function broken failed"),
        ("broken-async", "LookupError: the till is empty, too"),
        ("dictionary", "TypeError: a binding of type http does not take a dict"),
    ],
)
def test_failing_function_answers_500_and_says_why_in_the_log(
    shop: httpx.Client, shop_host: Process, path: str, words: str
) -> None:
    answer = shop.get(f"/api/{path}", headers={"x-secret": "do-not-log"})
    assert (answer.status_code, answer.text) == (500, "")
    assert words in shop_host.log
    assert "do-not-log" not in shop_host.log


def test_admin_lists_functions_and_state(shop: httpx.Client) -> None:
    assert shop.get("/admin/host/ping").status_code == 200
    assert shop.get("/admin/host/status").json()["state"] == "Running"
    functions = {function["name"]: function for function in shop.get("/admin/functions").json()}
    assert functions["shop"]["invoke_url_template"] == f"{shop.base_url}/api/shops/{{id:int}}"
    assert functions["order"]["config"]["bindings"][0]["type"] == "orchestrationTrigger"
    assert shop.get("/admin/functions/shop").json() == functions["shop"]
    assert shop.get("/admin/functions/nothing").status_code == 404


def test_page_of_another_site_reaches_no_admin_address(shop: httpx.Client) -> None:
    for headers in (
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
    ):
        assert shop.get("/admin/host/status", headers=headers).status_code == 403
        assert shop.get("/admin/functions", headers=headers).status_code == 403


def test_clock_of_the_machine_is_shown_but_not_moved(shop: httpx.Client) -> None:
    seen = shop.get("/admin/clock").json()
    assert datetime.fromisoformat(seen["now"]) - datetime.now(UTC) < timedelta(seconds=10)
    assert not seen["virtual"]
    refused = shop.post("/admin/clock", json={"advance": 1})
    assert (refused.status_code, "--virtual-time" in refused.json()["Message"]) == (409, True)
    assert shop.post("/admin/clock", json={"advance": 1}, headers={"Origin": "http://evil.example"}).status_code == 403


def test_keys_are_not_asked_unless_wanted(shop: httpx.Client) -> None:
    assert shop.get("/api/keyed").text == "opened"


def test_wanted_keys_are_asked_and_kept_over_a_restart(tmp_path: Path) -> None:
    host = a_host("shop", tmp_path, {"AzureWebJobs.greet.Disabled": "true"}, "--check-keys")
    host.start()
    key = (tmp_path / "state.key").read_text()
    assert (tmp_path / "state.key").stat().st_mode & 0o777 == 0o600
    with plain_http.plain_client(base_url=host.ready["url"]) as client:
        assert client.get("/api/keyed").status_code == 401
        assert client.get("/api/keyed?code=wrong").status_code == 401
        assert client.get("/api/keyed", headers={"x-functions-key": key}).text == "opened"
        assert client.get("/api/keyed", params={"code": key}).text == "opened"
        assert client.get("/api/shops/1").status_code == 200
        assert client.get("/admin/functions").status_code == 401
        assert client.get("/admin/host/ping").status_code == 200
        assert client.get("/api/greet").status_code == 404, "a disabled function"
    assert host.stop() == (0, ""), "functions' prints stay off standard output"
    assert (tmp_path / "state.key").read_text() == key


def test_told_to_stop_the_host_lets_a_running_invocation_end(tmp_path: Path) -> None:
    host = a_host("shop", tmp_path)
    host.start()
    request = [sys.executable, "-c", "import sys, httpx; print(httpx.post(sys.argv[1], timeout=60).text)"]
    url = f"{host.ready['url']}/api/patient?folder={tmp_path}"
    with subprocess.Popen([*request, url], stdout=subprocess.PIPE, text=True) as client:
        eventually((tmp_path / "runs").exists)
        host.send()
        eventually(lambda: plain_http.get(f"{host.ready['url']}/api/greet").status_code == 503)
        (tmp_path / "go").touch()
        assert client.communicate(timeout=60)[0] == "done\n"
    assert host.ended() == (0, "")


def test_second_host_on_the_same_port_says_so(shop_host: Process, tmp_path: Path) -> None:
    done = start(APPS / "shop", tmp_path, "--port", shop_host.ready["url"].rpartition(":")[2])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("cannot start: ")


def test_app_with_an_unknown_binding_is_refused_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        "@app.blob_trigger(arg_name='blob', path='a/b', connection='STORE')\n"
        "def copied(blob): ...\n"
    )
    done = start(tmp_path, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == (
        "refused: function 'copied': binding 'blob' of type blobTrigger (in) is not supported by this host"
    )


def start(app: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs the host until it ends by itself."""
    arguments = ["start", "--app", str(app), "--state", str(folder / "state.sqlite"), *options]
    command = [sys.executable, "-m", "slipway.local.functions", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_engine_is_reached_only_by_whoever_knows_its_address(shop: httpx.Client) -> None:
    for path in ("orchestrators/order", "instances/one", "entities/counter/x", "guess/instances/one"):
        assert shop.get(f"/durabletask/{path}").status_code == 404
        assert shop.post(f"/durabletask/{path}", json={}).status_code == 404


def test_request_that_cannot_be_parsed_leaves_no_token_in_the_log(shop_host: Process) -> None:
    port = int(shop_host.ready["url"].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.sendall(b"GET /api/x HTTP/1.1\r\nHost: localhost\r\nAuthorization : Bearer secret-of-alice\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.")
    assert "secret-of-alice" not in shop_host.log


def test_second_host_on_the_same_state_is_refused(tmp_path: Path) -> None:
    first, second = a_host("shop", tmp_path), a_host("shop", tmp_path)
    first.start()
    try:
        with pytest.raises(AssertionError, match="another host runs on"):
            second.start()
    finally:
        first.end()
        second.end()
