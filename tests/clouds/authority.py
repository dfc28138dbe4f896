"""A throwaway certificate authority, and the other keys that loopback clouds and identities need.

Its certificates pass the strict checks of OpenSSL (X509_STRICT, Python 3.13's default) and Go.
Keys are made once per authority, on first use; they lie in the directory that the test gave.

Source: https://www.rfc-editor.org/rfc/rfc5280#section-4.2
"""

from __future__ import annotations

import base64
import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.clouds.tokens import base64url

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

# Clocks on one machine agree, but a test may run across midnight.
VALID_FOR = timedelta(days=2)


class Authority:
    """Issues certificates for any name; clients with `ca_file` trust it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.RLock()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._written = 0
        self._ca_key = ec.generate_private_key(ec.SECP256R1())
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._ca = self._sign_ca()
        self.ca_file = self._write("ca.pem", _certificate_pem(self._ca))

    def server_context(self, hostname: str) -> ssl.SSLContext:
        """A TLS server's context for a host; a client selects another host's by SNI."""
        with self._lock:
            if hostname not in self._contexts:
                self._contexts[hostname] = self._new_server_context(hostname)
            return self._contexts[hostname]

    def odd_context(self, hostname: str, **validity: timedelta) -> ssl.SSLContext:
        """The context of a server whose certificate is for a host, and valid at other times.

        Units: ``valid_from`` and ``valid_until`` are counted from now.
        """
        with self._lock:
            return self._new_server_context(hostname, **validity)

    @cached_property
    def rsa_key(self) -> rsa.RSAPrivateKey:
        """The RSA key behind service accounts, client certificates and signed tokens."""
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def rsa_key_pem(self) -> str:
        """`rsa_key` in PKCS #8, as in a Google service account's file."""
        return key_pem(self.rsa_key)

    def client_identity_file(self, common_name: str = "loopback client") -> Path:
        """A PEM file with `rsa_key` and a certificate for it, as Azure's service principals use."""
        usage = ExtendedKeyUsageOID.CLIENT_AUTH
        certificate = _certificate_pem(self._sign_leaf(common_name, self.rsa_key, usage))
        return self._write("client.pem", key_pem(self.rsa_key) + certificate)

    def sign_jwt(self, claims: Mapping[str, object]) -> str:
        """A JSON web token (RS256) whose `x5c` header chains up to this authority.

        Source: https://www.rfc-editor.org/rfc/rfc7515#appendix-C
        """
        certificate = self._signer.public_bytes(serialization.Encoding.DER)
        header = {"alg": "RS256", "typ": "JWT", "x5c": [base64.b64encode(certificate).decode()]}
        signing_input = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        signature = self.rsa_key.sign(signing_input.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signing_input}.{base64url(signature)}"

    def token(self, life_s: float, **claims: object) -> str:
        """A new token with these claims, which expires after so many seconds."""
        now = int(time.time())
        times = {"iat": now, "exp": now + int(life_s), "jti": str(uuid4())}
        return self.sign_jwt({**claims, **times})

    @cached_property
    def _signer(self) -> x509.Certificate:
        return self._sign_leaf("loopback signer", self.rsa_key, ExtendedKeyUsageOID.CLIENT_AUTH)

    def _new_server_context(
        self, hostname: str, valid_from: timedelta = -VALID_FOR, valid_until: timedelta = VALID_FOR
    ) -> ssl.SSLContext:
        usage = ExtendedKeyUsageOID.SERVER_AUTH
        now = datetime.now(UTC)
        names = x509.SubjectAlternativeName([_general_name(hostname)])
        validity = (now + valid_from, now + valid_until)
        leaf = self._sign_leaf(hostname, self._leaf_key, usage, names, validity)
        pem = key_pem(self._leaf_key) + _certificate_pem(leaf)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._written += 1
        context.load_cert_chain(self._write(f"leaf-{self._written}.pem", pem))
        if (valid_from, valid_until) == (-VALID_FOR, VALID_FOR):
            context.sni_callback = self._choose_by_sni
        return context

    def _choose_by_sni(
        self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext
    ) -> None:
        if name is not None:
            connection.context = self.server_context(name)

    def _sign_ca(self) -> x509.Certificate:
        name = _name("loopback authority")
        public_key = self._ca_key.public_key()
        return (
            _builder(name, name, public_key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .sign(self._ca_key, hashes.SHA256())
        )

    def _sign_leaf(
        self,
        common_name: str,
        key: PrivateKey,
        usage: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName | None = None,
        validity: tuple[datetime, datetime] | None = None,
    ) -> x509.Certificate:
        public_key = key.public_key()
        # RFC 5280 ends a common name after 64 characters; clients read only the SAN anyway.
        builder = (
            _builder(_name(common_name[:64]), self._ca.subject, public_key, validity)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._ca_key.public_key()),
                critical=False,
            )
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._ca_key, hashes.SHA256())

    def _write(self, name: str, text: str) -> Path:
        path = self._directory / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    validity: tuple[datetime, datetime] | None = None,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    begins_at, ends_at = validity or (now - VALID_FOR, now + VALID_FOR)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins_at)
        .not_valid_after(ends_at)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    others = ("key_encipherment", "data_encipherment", "key_agreement", "content_commitment")
    return x509.KeyUsage(
        digital_signature=True,
        **dict.fromkeys((*others, "encipher_only", "decipher_only"), False),
        **dict.fromkeys(("key_cert_sign", "crl_sign"), signs_certificates),
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(hostname: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(hostname))
    except ValueError:
        return x509.DNSName(hostname)


def _certificate_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key: PrivateKey) -> str:
    """A private key in PKCS #8."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
