"""A broker that lets in whom it knows: SCRAM over TLS, certificates, and what is said of every other try."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from compute.errors import BadSetting
from flows.settings import load_settings
from storage.kafka.broker import Broker
from storage.kafka.errors import BrokerAway
from storage.kafka.plan import plan_drain
from storage.kafka.security import Security
from storage.lake import Lake
from tests.conftest import a_port
from tests.integration.broker import CLICKS, Kafka, running_broker
from tests.integration.drains import carry_out
from tests.integration.test_kafka import numbered, numbers

pytestmark = pytest.mark.integration
CERTIFY = """
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other-ca -keyout other.key -out other.pem
for name in server client; do
    openssl req -newkey rsa:2048 -nodes -subj /CN=$name -keyout $name.key -out $name.csr
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\n' >$name.ext
    openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $name.ext -out $name.crt
done
cat server.key server.crt ca.pem >server.pem
"""
PASSWORD = "a-secret-word"


class Secure:
    """The broker's doors, and who we are at each."""

    def __init__(self, kafka: Kafka, tls: Path, sasl_port: str, ssl_port: str) -> None:
        self.kafka = kafka
        ca, known = str(tls / "ca.pem"), {"certificate": str(tls / "client.crt"), "key": str(tls / "client.key")}
        scram = Security("SASL_SSL", "alice", SecretStr(PASSWORD), ca)
        self.scram = Broker(f"127.0.0.1:{sasl_port}", scram)
        self.mutual = Broker(f"127.0.0.1:{ssl_port}", Security("SSL", ca=ca, **known))
        self.other_ca = str(tls / "other.pem")


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    folder = tmp_path_factory.mktemp("secure")
    (folder / "tls").mkdir()
    subprocess.run(["bash", "-ec", CERTIFY], cwd=folder / "tls", check=True, capture_output=True)
    sasl, ssl = a_port(), a_port()
    more = {"KAFKA_SECURE": "1", "KAFKA_SASL_PORT": sasl, "KAFKA_SSL_PORT": ssl,
            "KAFKA_SCRAM_USER": "alice", "KAFKA_SCRAM_PASSWORD": PASSWORD}  # fmt: skip
    for kafka in running_broker(folder, **more):
        kafka.create(CLICKS, partitions=2)
        kafka.send(CLICKS, numbered(0, 20))
        yield Secure(kafka, folder / "tls", sasl, ssl)


@pytest.mark.parametrize("door", ["scram", "mutual"])
def test_whom_the_broker_knows_drains(secure: Secure, tmp_path: Path, door: str) -> None:
    lake, broker = Lake(str(tmp_path / "lake")), getattr(secure, door)

    carry_out(plan_drain(lake, broker, CLICKS), lake, broker)

    assert list(range(20)) == numbers(lake)
    assert PASSWORD not in repr(broker)


@pytest.mark.parametrize(
    ("door", "change", "said"),
    [
        ("scram", {"password": SecretStr("wrong")}, r"SaslAuthenticationFailed|KAFKA_SASL_PASSWORD is wrong"),
        ("scram", {"user": "bob"}, r"SaslAuthenticationFailed|KAFKA_SASL_USERNAME or .* is wrong"),
        ("scram", {"ca": "other"}, r"KAFKA_SSL_CAFILE is not the authority"),
        ("scram", {"protocol": "PLAINTEXT"}, r"it speaks TLS at this port: set KAFKA_SECURITY_PROTOCOL"),
        ("mutual", {"certificate": "", "key": ""}, r"another certificate than that of KAFKA_SSL_CERTFILE"),
        ("plain", {}, r"it speaks no TLS at this port"),
    ],
)
def test_whom_it_does_not_know_is_told_why_within_ten_seconds(
    secure: Secure, door: str, change: dict[str, object], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    broker = replace(secure.scram, servers=secure.kafka.servers) if door == "plain" else getattr(secure, door)
    if "ca" in change:
        change = {"ca": secure.other_ca}
    begin = time.monotonic()

    with pytest.raises(BrokerAway, match=said) as refused:
        replace(broker, security=replace(broker.security, **change)).topic_id(CLICKS)

    assert time.monotonic() - begin < 12
    assert PASSWORD not in f"{refused.value} {refused.value!r} {caplog.text}"


def test_a_protocol_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")

    with pytest.raises(BadSetting, match="KAFKA_SECURITY_PROTOCOL: Input should be 'PLAINTEXT', 'SSL' or 'SASL_SSL'"):
        load_settings()
