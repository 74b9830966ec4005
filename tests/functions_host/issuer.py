"""An OpenID issuer on loopback: a discovery document, a key set, and tokens of every kind."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

AUDIENCE = "shop-app"
KEY_ID = "first"
TENANT = "8d3c1f0e-5b1a-4a55-9c1e-0a4be1f0c0de"
ALICE = {
    "oid": "11111111-1111-4111-8111-111111111111",
    "tid": TENANT,
    "name": "Alice Adams",
    "preferred_username": "alice@shop.example",
    "roles": ["reader", "operator"],
    "groups": ["team-checkout"],
}


class Issuer:
    """Serves on a thread until `close`."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/{TENANT}/v2.0"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(
        self, key: RSAPrivateKey | None = None, key_id: str = KEY_ID, algorithm: str = "RS256", **changes: Any
    ) -> str:
        """A good token of Alice but for the changes; a claim of None is left out."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            **ALICE,
            **changes,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        secret: Any = key or self.key
        if algorithm == "none":
            secret = None
        elif algorithm.startswith("HS"):
            secret = "x" * 64
        return jwt.encode(kept, secret, algorithm=algorithm, headers={"kid": key_id})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Documents(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.endswith("/.well-known/openid-configuration"):
                    document: dict[str, Any] = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"}
                else:
                    public = jwt.algorithms.RSAAlgorithm.to_jwk(issuer.key.public_key(), as_dict=True)
                    document = {"keys": [public | {"kid": KEY_ID, "use": "sig", "alg": "RS256"}]}
                body = json.dumps(document).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        return Documents
