"""The managed-identity endpoint that App Service gives its apps, on loopback."""

import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class IdentityEndpoint:
    """Hands out tokens that mean nothing to whoever knows `secret`; remembers the resources asked for."""

    def __init__(self) -> None:
        self.secret = secrets.token_hex(8)
        self.asked_for: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/msi/token"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Tokens(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.headers.get("X-IDENTITY-HEADER") == endpoint.secret
                resource = parse_qs(urlsplit(self.path).query)["resource"][0]
                endpoint.asked_for.add(resource.rstrip("/"))
                token = {
                    "access_token": "a token",
                    "expires_on": str(int(time.time()) + 3600),
                    "resource": resource,
                    "token_type": "Bearer",
                }
                body = json.dumps(token if known else {}).encode()
                self.send_response(200 if known else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        return Tokens
