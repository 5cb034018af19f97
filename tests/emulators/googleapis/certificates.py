"""A certificate authority of one day, and the certificates for the emulators' hosts."""

import datetime
import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOSTS = ("*.googleapis.com", "*.pkg.dev", "*.github.com", "*.osv.dev", "localhost")


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


class Authority:
    """Issues the certificates with which the emulators are the hosts of others.

    Args:
        folder: Where the PEM files are written, again each time.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._name = _name("Emulators' certificate authority")
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.roots = folder / "authority.pem"
        authority = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.roots.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
        self.certificate, self.key = self._issue("googleapis", HOSTS)

    def _builder(self, name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))  # clocks differ
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    def _issue(self, name: str, hosts: Sequence[str]) -> tuple[Path, Path]:
        """Writes a certificate for hosts, and its key; returns their files."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        leaf = (
            self._builder(_name(name), key)
            .add_extension(names, critical=False)
            .add_extension(usage, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        files = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        files[0].write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
        files[1].touch(0o600)
        files[1].write_bytes(_pem(key))
        return files

    def server_context(self, domain: str | None = None) -> ssl.SSLContext:
        """The settings of a TLS server that speaks HTTP/1.1.

        Args:
            domain: Whose hosts the server is; when absent it is all of `HOSTS`, in which an
                asterisk stands for one part of a name.
        """
        files = self._issue(domain, [f"*.{domain}"]) if domain else (self.certificate, self.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        return context

    @property
    def environment(self) -> dict[str, str]:
        """What makes OpenSSL, curl, requests, httplib2 and gRPC trust this authority alone."""
        names = (
            "SSL_CERT_FILE",
            "CURL_CA_BUNDLE",
            "REQUESTS_CA_BUNDLE",
            "HTTPLIB2_CA_CERTS",
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
        )
        return dict.fromkeys(names, str(self.roots))
