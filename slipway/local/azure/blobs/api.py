"""Blob service REST, path style: `/blob/{container}/{blob}`. It holds audit trails: all is immutable."""

import base64
import hashlib
import re
import uuid
from datetime import UTC, datetime
from email.utils import formatdate
from urllib.parse import unquote
from xml.sax.saxutils import escape, quoteattr

from aiohttp import web

from slipway.local.azure.blobs.store import Blob, BlobStore, Conditions, Container, StoreRefusal, immutable
from slipway.local.azure.tokens import STORAGE, TokenRefused, Tokens

PREFIX = "/blob/"
LARGEST_BLOCK = 100 * 1024 * 1024
LARGEST_PAGE = 5000
RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class BlobApi:
    def __init__(self, store: BlobStore, tokens: Tokens) -> None:
        self._store = store
        self._tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        return [web.route("*", PREFIX + "{tail:.*}", self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        common = {
            "x-ms-request-id": str(uuid.uuid4()),
            "x-ms-version": request.headers.get("x-ms-version", "2026-02-06"),
        }
        try:
            self._tokens.check(request.headers.get("Authorization"), STORAGE)
            response = await self._route(request)
        except TokenRefused as refusal:
            common["WWW-Authenticate"] = self._tokens.issuer.challenge(STORAGE[0])
            code = "InvalidAuthenticationInfo" if "Authorization" in request.headers else "NoAuthenticationInformation"
            response = _refusal(request, StoreRefusal(401, code, f"Server failed to authenticate: {refusal}"))
        except StoreRefusal as refusal:
            response = _refusal(request, refusal)
        response.headers.update(common)
        return response

    async def _route(self, request: web.Request) -> web.Response:
        path = unquote(request.raw_path.partition("?")[0].removeprefix(PREFIX))
        container, _, name = path.partition("/")
        what = (request.method, request.query.get("restype", ""), request.query.get("comp", ""), bool(name))
        match what:
            case "PUT", "container", "", False:
                return _container_answer(201, self._store.create_container(container))
            case "GET" | "HEAD", "container", "", False:
                return _container_answer(200, self._store.container(container))
            case "GET", "container", "list", False:
                return self._list(request, container)
            case "PUT", "", "", True:
                return self._create(request, container, name)
            case "PUT", "", "appendblock", True:
                return await self._append(request, container, name)
            case "HEAD", "", "", True:
                blob = self._store.blob(container, name)
                return web.Response(headers=_blob_headers(blob) | {"Content-Length": str(blob.size)})
            case "GET", "", "", True:
                return self._get(request, container, name)
            case "DELETE", "", "", True:
                self._store.blob(container, name)
                raise immutable()
        named = f"{request.method} {' '.join(part for part in what[1:3] if part) or 'blob'}"
        raise StoreRefusal(501, "NotImplemented", f"{named} is not in this stand-in.")

    def _create(self, request: web.Request, container: str, name: str) -> web.Response:
        kind = request.headers.get("x-ms-blob-type", "")
        if kind != "AppendBlob":
            if any(blob.name == name for blob in self._store.list(container, name, name, 1)[0]):
                raise immutable()
            raise StoreRefusal(501, "NotImplemented", f"Put Blob of a {kind or 'blob'} is not in this stand-in.")
        metadata = {
            key.lower().removeprefix("x-ms-meta-"): value
            for key, value in request.headers.items()
            if key.lower().startswith("x-ms-meta-")
        }
        content_type = request.headers.get("x-ms-blob-content-type", "application/octet-stream")
        blob = self._store.create_append_blob(container, name, content_type, metadata, _conditions(request))
        return web.Response(status=201, headers=_identity(blob))

    async def _append(self, request: web.Request, container: str, name: str) -> web.Response:
        content = await request.read()
        if len(content) > LARGEST_BLOCK:
            raise StoreRefusal(413, "RequestBodyTooLarge", "The request body is too large.")
        md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        if request.headers.get("Content-MD5", md5) != md5:
            raise StoreRefusal(400, "Md5Mismatch", "The MD5 value specified in the request did not match the body.")
        blob, position = self._store.append(container, name, content, _conditions(request))
        headers = _identity(blob) | {
            "x-ms-blob-append-offset": str(position),
            "x-ms-blob-committed-block-count": str(blob.blocks),
            "Content-MD5": md5,
        }
        return web.Response(status=201, headers=headers)

    def _get(self, request: web.Request, container: str, name: str) -> web.Response:
        blob = self._store.blob(container, name)
        if request.headers.get("If-Match", blob.etag) not in ("*", blob.etag):
            raise StoreRefusal(412, "ConditionNotMet", "The condition of the request is not met.")
        asked = RANGE.fullmatch(request.headers.get("x-ms-range") or request.headers.get("Range") or "")
        if asked is None:
            return web.Response(body=self._store.content(blob, 0, blob.size), headers=_blob_headers(blob))
        start = int(asked[1])
        end = min(int(asked[2]) + 1 if asked[2] else blob.size, blob.size)
        if start >= blob.size:
            raise StoreRefusal(416, "InvalidRange", "The range specified is invalid for the current size.")
        headers = _blob_headers(blob) | {"Content-Range": f"bytes {start}-{end - 1}/{blob.size}"}
        return web.Response(status=206, body=self._store.content(blob, start, end), headers=headers)

    def _list(self, request: web.Request, container: str) -> web.Response:
        query = request.query
        if "delimiter" in query:
            raise StoreRefusal(501, "NotImplemented", "List Blobs with a delimiter is not in this stand-in.")
        prefix, marker = query.get("prefix", ""), query.get("marker", "")
        most = min(_number(query.get("maxresults")) or LARGEST_PAGE, LARGEST_PAGE)
        blobs, next_marker = self._store.list(container, prefix, marker, most)
        endpoint = quoteattr(f"{self._tokens.issuer.base}{PREFIX}")
        xml = (
            '<?xml version="1.0" encoding="utf-8"?>'
            f"<EnumerationResults ServiceEndpoint={endpoint} ContainerName={quoteattr(container)}>"
            f"<Prefix>{escape(prefix)}</Prefix><Marker>{escape(marker)}</Marker><MaxResults>{most}</MaxResults>"
            f"<Blobs>{''.join(_listed(blob) for blob in blobs)}</Blobs>"
            f"<NextMarker>{escape(next_marker)}</NextMarker></EnumerationResults>"
        )
        return web.Response(text=xml, content_type="application/xml")


def _conditions(request: web.Request) -> Conditions:
    return Conditions(
        if_match=request.headers.get("If-Match"),
        if_none_match=request.headers.get("If-None-Match"),
        append_position=_number(request.headers.get("x-ms-blob-condition-appendpos")),
        max_size=_number(request.headers.get("x-ms-blob-condition-maxsize")),
    )


def _number(text: str | None) -> int | None:
    if text is not None and not text.isdecimal():
        raise StoreRefusal(400, "InvalidInput", f"{text!r} is no number.")
    return int(text) if text is not None else None


def _container_answer(status: int, container: Container) -> web.Response:
    headers = {
        "ETag": container.etag,
        "Last-Modified": formatdate(container.created, usegmt=True),
        "x-ms-has-immutability-policy": "true",
        "x-ms-has-legal-hold": "false",
    }
    return web.Response(status=status, headers=headers)


def _identity(blob: Blob) -> dict[str, str]:
    return {"ETag": blob.etag, "Last-Modified": formatdate(blob.modified, usegmt=True)}


def _blob_headers(blob: Blob) -> dict[str, str]:
    metadata = {f"x-ms-meta-{name}": value for name, value in blob.metadata.items()}
    return (
        _identity(blob)
        | metadata
        | {
            "Content-Type": blob.content_type,
            "Accept-Ranges": "bytes",
            "x-ms-blob-type": "AppendBlob",
            "x-ms-blob-committed-block-count": str(blob.blocks),
            "x-ms-creation-time": formatdate(blob.created, usegmt=True),
            "x-ms-lease-status": "unlocked",
            "x-ms-lease-state": "available",
            "x-ms-server-encrypted": "true",
        }
    )


def _listed(blob: Blob) -> str:
    return (
        f"<Blob><Name>{escape(blob.name)}</Name><Properties>"
        f"<Creation-Time>{formatdate(blob.created, usegmt=True)}</Creation-Time>"
        f"<Last-Modified>{formatdate(blob.modified, usegmt=True)}</Last-Modified>"
        f"<Etag>{escape(blob.etag)}</Etag><Content-Length>{blob.size}</Content-Length>"
        f"<Content-Type>{escape(blob.content_type)}</Content-Type><BlobType>AppendBlob</BlobType>"
        "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
        "<ServerEncrypted>true</ServerEncrypted></Properties></Blob>"
    )


def _refusal(request: web.Request, refusal: StoreRefusal) -> web.Response:
    headers = {"x-ms-error-code": refusal.code}
    if request.method == "HEAD":
        return web.Response(status=refusal.status, headers=headers)
    at = datetime.now(UTC).isoformat()
    xml = (
        '<?xml version="1.0" encoding="utf-8"?>'
        f"<Error><Code>{refusal.code}</Code><Message>{escape(str(refusal))}\nTime:{at}</Message></Error>"
    )
    return web.Response(status=refusal.status, headers=headers, text=xml, content_type="application/xml")
