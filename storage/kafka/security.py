"""How to get in at a broker. Knows no client, so that settings can be read without one."""

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import SecretStr

Protocol = Literal["PLAINTEXT", "SSL", "SASL_SSL"]


@dataclass(frozen=True, slots=True)
class Security:
    """Encryption and identity.

    Attributes:
        protocol: SASL_SSL with user and password, SSL with a certificate of ours, or PLAINTEXT.
        ca: the file of the authorities that the broker's certificate is to come from; the system's without one.
        certificate: the file of ours.
        key: the file of its key.
    """

    protocol: Protocol = "PLAINTEXT"
    user: str = ""
    password: SecretStr = field(default_factory=lambda: SecretStr(""))
    ca: str = ""
    certificate: str = ""
    key: str = ""

    def options(self) -> dict[str, Any]:
        """Return what the client is to be told."""
        told: dict[str, Any] = {"security_protocol": self.protocol}
        if self.protocol == "SASL_SSL":
            told |= {
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password.get_secret_value(),
            }
        files = {"ssl_cafile": self.ca, "ssl_certfile": self.certificate, "ssl_keyfile": self.key}
        return told | {name: file for name, file in files.items() if file}

    def likely(self, reason: str) -> str:
        """Return what most likely stands behind a reason that says too little."""
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            return "KAFKA_SSL_CAFILE is not the authority of its certificate"
        if "ALERT" in reason:
            return "it wants another certificate than that of KAFKA_SSL_CERTFILE"
        if "EOF_WHILE_READING" in reason:
            return "it speaks no TLS at this port"
        if "disconnected" in reason and "REFUSED" not in reason:
            return {
                "PLAINTEXT": "it speaks TLS at this port: set KAFKA_SECURITY_PROTOCOL",
                "SSL": "it wants a user: set KAFKA_SECURITY_PROTOCOL=SASL_SSL",
                "SASL_SSL": "KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD is wrong",
            }[self.protocol]
        return ""
