"""The throw-away certificate authority, made once per state folder."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

from slipway.local.azure.state import StateFolder, replace


@dataclass(frozen=True)
class Authority:
    """`ca`: what clients trust. `server`: key and chain for localhost; other local servers may use it too."""

    ca: Path
    server: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.server)
        return context

    def client_context(self) -> ssl.SSLContext:
        """Trusts this authority beside the public ones: packages may come from either side."""
        context = ssl.create_default_context()
        context.load_verify_locations(self.ca)
        return context


def open_authority(state: StateFolder) -> Authority:
    authority = Authority(ca=state.path / "ca.pem", server=state.path / "server.pem")
    # The CA is written last: a kill in between leaves no CA without its certificate.
    if not authority.ca.exists():
        ca = trustme.CA(organization_name="Slipway laptop")
        leaf = ca.issue_cert("localhost", "127.0.0.1")
        replace(authority.server, leaf.private_key_and_cert_chain_pem.bytes())
        replace(authority.ca, ca.cert_pem.bytes())
    return authority
