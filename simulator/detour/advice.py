"""``hashkey-sim hosts``: what leads programs to ``serve --tls`` that ``exec`` cannot lead, in words and as JSON."""

from __future__ import annotations

import msgspec

from simulator.app import authority_of
from simulator.config import Settings
from simulator.detour.etc import hosts_lines
from simulator.detour.front import HTTPS
from simulator.venues.hashkey.hosts import NAMES


class Advice(msgspec.Struct, frozen=True):
    """Lines of a hosts file, the names in them, and the authority's file; empty if none is kept."""

    hosts: list[str]
    names: list[str]
    ca: str

    def to_json(self) -> str:
        """For scripts."""
        return msgspec.json.encode(self).decode()

    def to_text(self) -> str:
        """For people: what to do, in order."""
        lines = "\n".join(self.hosts)
        ca = self.ca or "ca.pem"
        kept = (
            f"The authority is {self.ca}"
            if self.ca
            else "No authority is kept: name a folder with --tls-dir DIR, here and with serve, and it is DIR/ca.pem"
        )
        return f"""\
# To the hosts file (/etc/hosts, on Windows C:\\Windows\\System32\\drivers\\etc\\hosts). Take them out again afterwards:
# as long as they are there, HashKey itself cannot be reached from this machine.
{lines}

# {kept}. Trust it
#   Debian, Ubuntu   sudo cp {ca} /usr/local/share/ca-certificates/hashkey-sim.crt && sudo update-ca-certificates
#   Fedora           sudo cp {ca} /etc/pki/ca-trust/source/anchors/ && sudo update-ca-trust
#   macOS            sudo security add-trusted-cert -d -k /Library/Keychains/System.keychain {ca}
#   Windows          certutil -addstore Root {ca}
#   one program      SSL_CERT_FILE (OpenSSL, Go), REQUESTS_CA_BUNDLE (requests), CURL_CA_BUNDLE, NODE_EXTRA_CA_CERTS;
#                    all but the last replace the system's authorities, so append it to those
# It can sign for HashKey's names and this machine only.

# HashKey's clients come to port {HTTPS}: hashkey-sim serve --tls --port {HTTPS} --tls-dir DIR. On Linux an ordinary
# user may have it after: sudo sysctl net.ipv4.ip_unprivileged_port_start={HTTPS}"""


def advice(settings: Settings) -> Advice:
    """For the settings' address; with ``tls_dir`` the authority is made if it is not there yet. CannotServe."""
    ca = ""
    if settings.server.tls_dir:
        with authority_of(settings) as signer:
            ca = str(signer.certificate.resolve())
    host = settings.server.host
    address = {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}.get(host, host)  # noqa: S104
    return Advice(hosts_lines(address), list(NAMES), ca)
