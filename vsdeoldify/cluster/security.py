"""Who may take part: addresses, and the certificate that all machines of a cluster share.

One file, `cluster.pem`, holds a certificate that signs itself and its key. Whoever has it may connect, in
either direction; all others are refused before a byte of theirs is looked at. That matters: a cluster runs
what it is sent.
"""

import ipaddress
import os
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..support.errors import FilmError, RequestError
from ..support.files import write_whole
from .extra import needed

PORT = 8786
_YEARS = 10
_SECONDS = 5.0


@dataclass(frozen=True)
class Address:
    """Where a cluster's scheduler is.

    Attributes:
        scheme: "tls" or "tcp".
        host: a name or a number.
        port: its port.
    """

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_address(text: str) -> Address:
    """The address of a scheduler, such as tls://192.168.1.10:8786.

    Raises:
        RequestError: it is none, or it is unencrypted and of another machine.
    """
    scheme, mark, rest = text.partition("://")
    if not mark or scheme not in ("tls", "tcp"):
        raise RequestError(
            f"{text} is no address of a cluster, such as tls://192.168.1.10:{PORT}; local:2 means two "
            "workers on this computer"
        )
    host, colon, port = rest.rpartition(":")
    if rest.endswith("]") or not colon:
        host, port = rest, str(PORT)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise RequestError(f"{text} is no address of a cluster, such as tls://192.168.1.10:{PORT}")
    if scheme == "tcp" and not is_loopback(host):
        raise RequestError(
            f"{text}: without encryption everybody in the network could run programs here; only this "
            "computer itself is reached by tcp://. Give tls:// and the cluster's certificate"
        )
    return Address(scheme, host, int(port))


def is_loopback(host: str) -> bool:
    """Whether a host is this computer by a name or a number that no other one has."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def make_certificate() -> str:
    """A new certificate and its key, as text in the PEM format.

    Raises:
        FilmError: the package for it is missing.
    """
    with needed():
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vsdeoldify cluster")])
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        (
            *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("crl_sign", "encipher_only", "decipher_only"),
        ),
        False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks of computers differ.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    text: bytes = certificate.public_bytes(pem) + private
    return text.decode()


def write_certificate(path: Path) -> bool:
    """Write a new certificate that its owner alone can read, if there is none yet.

    Returns:
        Whether it was written.

    Raises:
        FilmError: it cannot be written, or what is there is none.
    """
    if path.exists():
        read_certificate(path)
        return False
    text = make_certificate()
    before = os.umask(0o077)
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise FilmError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        os.umask(before)
    return True


def read_certificate(path: Path) -> str:
    """The text of a certificate file.

    Raises:
        FilmError: it cannot be read, or is none.
    """
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise FilmError(
            f"the certificate {path} cannot be read ({reason}): copy the file cluster.pem here, which "
            "vsdeoldify cluster start writes"
        ) from None
    try:
        _context(path)
    except (ssl.SSLError, OSError):
        raise FilmError(
            f"{path} holds no certificate with its key: copy the file cluster.pem again, which vsdeoldify "
            "cluster start writes"
        ) from None
    return text


def security_of(text: str) -> Any:
    """Dask's settings for a certificate: both sides of every connection must have it.

    Args:
        text: the certificate and its key.
    """
    with needed():
        from distributed.security import Security
    begin = text.index("-----BEGIN PRIVATE KEY-----")
    certificate, key = text[:begin], text[begin:]
    roles = {
        f"tls_{role}_{part}": value
        for role in ("client", "scheduler", "worker")
        for part, value in (("cert", certificate), ("key", key))
    }
    return Security(require_encryption=True, tls_ca_file=certificate, **roles)


def check_reachable(address: Address, certificate: Path | None) -> None:
    """See whether a cluster answers, and takes the certificate.

    Raises:
        Unreachable: nothing answers; it may later.
        FilmError: the certificate is missing, or another cluster's.
    """
    if address.scheme == "tls" and certificate is None:
        raise RequestError(
            f"{address} needs the cluster's certificate: --certificate cluster.pem, a copy of the file that "
            "vsdeoldify cluster start wrote"
        )
    if certificate is not None:
        read_certificate(certificate)
    try:
        with socket.create_connection((address.host, address.port), timeout=_SECONDS) as plain:
            if certificate is None:
                return
            with _context(certificate).wrap_socket(plain) as wrapped:
                # The scheduler speaks first; one that refuses our certificate says so here.
                if not wrapped.recv(1):
                    raise ssl.SSLError("closed")
    except ssl.SSLCertVerificationError:
        raise FilmError(
            f"{address} has another certificate than {certificate}: copy the file cluster.pem from the "
            "computer on which vsdeoldify cluster start runs"
        ) from None
    except (ssl.SSLError, ConnectionResetError):
        raise FilmError(
            f"{address} does not accept {certificate}, or is no cluster of vsdeoldify: copy the file "
            "cluster.pem from the computer on which vsdeoldify cluster start runs"
        ) from None
    except OSError as error:
        reason = "no such host" if isinstance(error, socket.gaierror) else error.strerror or "no answer"
        raise Unreachable(
            f"{address} does not answer ({reason}): is vsdeoldify cluster start running there, and does its "
            f"firewall let port {address.port} in?"
        ) from None


class Unreachable(FilmError):
    """A cluster does not answer."""


def own_address(other: str = "192.0.2.1") -> str:
    """The number under which another computer of the network reaches this one, as far as it knows.

    Args:
        other: the other one; by default some computer elsewhere.
    """
    # No packet is sent: the system only looks up which way one would go.
    with suppress(OSError):
        family, kind, protocol, _, place = socket.getaddrinfo(other, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(place)
            return str(probe.getsockname()[0])
    return "127.0.0.1"


def _context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificate)
    context.load_cert_chain(certificate)
    return context
