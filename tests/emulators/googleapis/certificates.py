"""A certificate authority of one day, and the certificate for the emulators' hosts."""

import datetime
import ssl
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
    """Issues the certificate with which the emulators are the hosts of others.

    Args:
        folder: Where the PEM files are written, anew each time.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.roots = folder / "authority.pem"
        self.certificate = folder / "googleapis.pem"
        self.key = folder / "googleapis.key"
        now = datetime.datetime.now(datetime.UTC)
        authority_key = ec.generate_private_key(ec.SECP256R1())
        authority_name = _name("Emulators' certificate authority")

        def certificate(
            name: x509.Name, key: ec.EllipticCurvePrivateKey
        ) -> x509.CertificateBuilder:
            return (
                x509.CertificateBuilder()
                .subject_name(name)
                .issuer_name(authority_name)
                .public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(minutes=5))  # clocks differ
                .not_valid_after(now + datetime.timedelta(days=1))
            )

        authority = (
            certificate(authority_name, authority_key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(authority_key, hashes.SHA256())
        )
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        leaf = (
            certificate(_name(HOSTS[0]), key)
            .add_extension(names, critical=False)
            .add_extension(usage, critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        self.roots.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
        self.certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
        self.key.touch(0o600)
        self.key.write_bytes(_pem(key))

    def server_context(self) -> ssl.SSLContext:
        """The settings of a TLS server that speaks HTTP/1.1."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
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
