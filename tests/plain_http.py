"""Requests to addresses without TLS. A client that might meet TLS reads every authority of the machine first, which
takes longer than most tests."""

import ssl
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx


def plain_client(base_url: str = "", timeout: float = 30, **given: Any) -> httpx.Client:
    """A client that trusts nobody's certificate."""
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.Client(base_url=base_url, timeout=timeout, verify=nobody, trust_env=False, **given)


def get(url: str, **given: Any) -> httpx.Response:
    """What a GET answers, on a connection of its own and without a cookie."""
    return _client().get(url, **given)


def post(url: str, **given: Any) -> httpx.Response:
    """What a POST answers, on a connection of its own and without a cookie."""
    return _client().post(url, **given)


def no_cookies() -> CookieJar:
    """For a client that many use: no front end keeps it on the side that it met before."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


@cache
def _client() -> httpx.Client:
    return plain_client(limits=httpx.Limits(max_keepalive_connections=0), cookies=no_cookies())
