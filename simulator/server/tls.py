"""A certificate authority of this machine, and what the server shows in HashKey's name.

The authority is constrained to HashKey's domains and to this machine: whoever trusts it, and whoever gets
hold of its key, can be shown no other name by it. trustme makes the server's certificates; the root is made
here, since trustme has no name constraints.

Where the key is: by default nowhere but in this process's memory, and the authority is gone with the run.
In a folder that is named for it (so that it can be trusted once and for all) the key is a file that only its
owner can read. trustme comes with the extra ``tls`` and is imported when it is needed.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from simulator.venues.hashkey.hosts import FAMILIES, NAMES, is_hashkeys

if TYPE_CHECKING:
    import trustme
    from cryptography import x509

CERTIFICATE, KEY = "ca.pem", "ca.key"
HERE: Final = ("localhost", "127.0.0.1", "::1")
_PERMITTED: Final = (*FAMILIES, "localhost", "127.0.0.0/8", "::1/128")
_AUTHORITY_DAYS: Final = 1825
# Apple's programs refuse certificates of servers that live longer.
_CERTIFICATE_DAYS: Final = 397
_MISSING: Final = "TLS needs the extra: pip install 'hashkey-simulator[tls]'"


class NoAuthority(Exception):
    """There can be no TLS, in one line."""


class Authority:
    """Signs for HashKey's names and this machine; ``certificate`` is the file that its clients have to trust."""

    def __init__(self, signer: trustme.CA, certificate: Path) -> None:
        self._signer = signer
        self.certificate = certificate

    def context(self, *more: str) -> ssl.SSLContext:
        """For a server that is HashKey, this machine, and whatever ``more`` names it has."""
        now = datetime.now(UTC)
        names = dict.fromkeys((*NAMES, *HERE, *more))
        leaf = self._signer.issue_cert(
            *names,
            organization_name="hashkey-simulator",
            not_before=now - timedelta(days=1),
            not_after=now + timedelta(days=_CERTIFICATE_DAYS),
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.set_alpn_protocols(["http/1.1"])
        leaf.configure_cert(context)
        return context


@contextmanager
def authority(folder: Path | None, *more: str) -> Iterator[Authority]:
    """The authority kept in a folder, made there if need be, or one for this run only.

    ``more``: addresses besides HashKey's and this machine's that it must be able to sign for. NoAuthority.
    """
    if folder is not None:
        yield _kept(folder.expanduser(), more)
        return
    signer = _new(more)
    with tempfile.TemporaryDirectory(prefix="hashkey-sim-") as private:
        certificate = Path(private) / CERTIFICATE
        certificate.write_bytes(signer.cert_pem.bytes())
        yield Authority(signer, certificate)


def _kept(folder: Path, more: tuple[str, ...]) -> Authority:
    """``ca.key`` holds key and certificate, so that two that start at once agree; ``ca.pem`` is made from it."""
    certificate, key = folder / CERTIFICATE, folder / KEY
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not key.exists():
            made = _new(more)
            _put(key, made.private_key_pem.bytes() + made.cert_pem.bytes(), mode=0o600, anew=False)
        both = key.read_bytes()
        signer = _read(both, both)
        shown = signer.cert_pem.bytes()
        if not certificate.exists() or certificate.read_bytes() != shown:
            _put(certificate, shown, mode=0o644, anew=True)
    except OSError as error:
        raise NoAuthority(f"cannot keep an authority in {folder}: {error.strerror}") from None
    except ValueError:
        raise NoAuthority(f"{folder} holds no authority that can be read; remove {KEY} to have one made") from None
    _check(_root_of(signer), folder, more)
    return Authority(signer, certificate)


def _put(path: Path, content: bytes, *, mode: int, anew: bool) -> None:
    """A whole file at once; one that is there already is replaced only if it is to be written anew."""
    number, name = tempfile.mkstemp(dir=path.parent)  # readable by its owner only
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
        Path(name).chmod(mode)
        if anew:
            Path(name).replace(path)
        else:
            with suppress(FileExistsError):
                path.hardlink_to(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _read(certificate: bytes, key: bytes) -> trustme.CA:
    try:
        import trustme  # noqa: PLC0415 - there only with the extra
    except ImportError:
        raise NoAuthority(_MISSING) from None
    return trustme.CA.from_pem(certificate, key)


def _root_of(signer: trustme.CA) -> x509.Certificate:
    from cryptography import x509  # noqa: PLC0415

    return x509.load_pem_x509_certificate(signer.cert_pem.bytes())


def _check(root: x509.Certificate, folder: Path, more: tuple[str, ...]) -> None:
    from cryptography import x509  # noqa: PLC0415

    if root.not_valid_after_utc < datetime.now(UTC) + timedelta(days=_CERTIFICATE_DAYS):
        raise NoAuthority(f"the authority in {folder} is about to expire; remove {KEY} to have one made")
    try:
        told = root.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees
    except x509.ExtensionNotFound:
        raise NoAuthority(f"the authority in {folder} could sign for any name; it is not used") from None
    if not set(_subtrees((*_PERMITTED, *_beyond(more)))) <= set(told or ()):
        raise NoAuthority(f"the authority in {folder} cannot sign for {', '.join(more) or 'every name'}; name another")


def _new(more: Iterable[str]) -> trustme.CA:
    """A root that is good for these names only, for trustme to sign with."""
    try:
        from cryptography import x509  # noqa: PLC0415
        from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
        from cryptography.x509.oid import NameOID  # noqa: PLC0415
    except ImportError:
        raise NoAuthority(_MISSING) from None
    key = ec.generate_private_key(ec.SECP256R1())
    words = {
        NameOID.ORGANIZATION_NAME: "hashkey-simulator",
        NameOID.COMMON_NAME: f"hashkey-simulator on this machine {os.urandom(4).hex()}",
    }
    name = x509.Name([x509.NameAttribute(kind, text) for kind, text in words.items()])
    now = datetime.now(UTC)
    uses = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
    )
    usage = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, decipher_only=False, **uses)
    root = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=_AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints(_subtrees((*_PERMITTED, *_beyond(more))), None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    return _read(root.public_bytes(pem), secret)


def _beyond(names: Iterable[str]) -> Iterator[str]:
    """Those that every authority of ours may not sign for anyway."""
    for name in names:
        try:
            local = ipaddress.ip_address(name).is_loopback
        except ValueError:
            local = name == "localhost" or is_hashkeys(name)
        if not local:
            yield name


def _subtrees(names: Iterable[str]) -> list[x509.GeneralName]:
    from cryptography import x509  # noqa: PLC0415

    subtrees: list[x509.GeneralName] = []
    for name in dict.fromkeys(names):
        try:
            subtrees.append(x509.IPAddress(ipaddress.ip_network(name)))
        except ValueError:
            subtrees.append(x509.DNSName(name))
    return subtrees
