"""The one reader of the environment: where things are, and how to run.

Source: `interface.md`, "Settings". An option before a command wins over the environment, which wins over `.env`.
"""

import os
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from compute.cluster import Executor
from compute.company import Company, parse_company
from compute.errors import BadSetting
from storage.kafka.security import Protocol, Security

PREFIX = "TECHFLOW_"
_BLOCK = re.compile(r"[a-z0-9-]+/[a-z0-9-]+")


class Settings(BaseSettings):
    """What is in force. The places default to places in the home folder."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True)

    home: Path = Path("techflow-home")
    landing: str = ""
    lake: str = ""
    ledger: SecretStr = SecretStr("")
    company: str = ""
    executor: Executor = "auto"
    lake_shared: bool = False
    ray_address: str = Field(default="", validation_alias="RAY_ADDRESS")
    kafka: str = Field(default="", validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    kafka_protocol: Protocol = Field(default="PLAINTEXT", validation_alias="KAFKA_SECURITY_PROTOCOL")
    kafka_user: str = Field(default="", validation_alias="KAFKA_SASL_USERNAME")
    kafka_password: SecretStr = Field(default=SecretStr(""), validation_alias="KAFKA_SASL_PASSWORD")
    kafka_ca: str = Field(default="", validation_alias="KAFKA_SSL_CAFILE")
    kafka_certificate: str = Field(default="", validation_alias="KAFKA_SSL_CERTFILE")
    kafka_key: str = Field(default="", validation_alias="KAFKA_SSL_KEYFILE")
    pseudonym_key: SecretStr | None = None
    notify: str = ""
    runbook: str = "docs/runbook.md"

    @property
    def channels(self) -> tuple[str, ...]:
        """Who is told of incidents: notification blocks of the Prefect server, as type/name.

        Raises:
            BadSetting: when one of them is not written so.
        """
        names = tuple(dict.fromkeys(filter(None, map(str.strip, self.notify.split(",")))))
        wrong = [name for name in names if not _BLOCK.fullmatch(name)]
        if wrong:
            raise BadSetting(f"{PREFIX}NOTIFY: '{wrong[0]}' names no block: write it as slack-webhook/oncall.")
        return names

    @property
    def kafka_security(self) -> Security:
        """How to get in at the broker."""
        return Security(
            self.kafka_protocol,
            self.kafka_user,
            self.kafka_password,
            self.kafka_ca,
            self.kafka_certificate,
            self.kafka_key,
        )

    @property
    def key_place(self) -> Path:
        """The file of the key that was made here, when none is set."""
        return self.home / "pseudonym.key"

    @property
    def landing_place(self) -> str:
        """The folder of the feeds."""
        return self.landing or str(self.home / "landing")

    @property
    def lake_place(self) -> str:
        """The folder of the tables, or their prefix in a bucket."""
        in_a_bucket = "://" in self.lake
        return self.lake.rstrip("/") if in_a_bucket else str(Path(self.lake or self.home / "lake").absolute())

    @property
    def ledger_place(self) -> SecretStr:
        """The accounting ledger; its address may hold a password."""
        return self.ledger if self.ledger.get_secret_value() else SecretStr(str(self.home / "ledger.sqlite"))

    @property
    def metrics_place(self) -> Path:
        """The file that the watch writes for monitoring; its folder is one for a textfile collector."""
        return self.home / "metrics" / "techflow.prom"

    @property
    def company_place(self) -> str:
        """The company file; it need not be there."""
        return self.company or str(self.home / "company.toml")


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        BadSetting: when a value is wrong; names the variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        name = name if name.startswith(("KAFKA_", "RAY_")) else PREFIX + name.upper()
        raise BadSetting(f"{name}: {first['msg']}. Correct it in the environment or in .env.") from error


def load_company(settings: Settings) -> Company:
    """Read the company file, or the defaults when there is none.

    Raises:
        BadSetting: when a file that was named is not there, cannot be read, or is wrong.
    """
    path = Path(settings.company_place)
    if not path.exists():
        if settings.company:
            raise BadSetting(f"There is no company file at {path}: correct --company or TECHFLOW_COMPANY.")
        return Company()
    try:
        return parse_company(path.read_text(encoding="utf-8"), source=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{path} cannot be read ({error}): it must be UTF-8 text.") from error


def load_pseudonym_key(settings: Settings) -> SecretStr:
    """Return the key that pseudonyms are made with; made once and kept in the home, for its owner alone.

    Raises:
        BadSetting: when it is empty, or its file cannot be read or made.
    """
    key = settings.pseudonym_key
    if key is None:
        try:
            key = SecretStr(_kept_key(settings.key_place))
        except OSError as error:
            raise BadSetting(
                f"{settings.key_place} cannot be read or made ({error.strerror}): "
                f"mend its rights, or set {PREFIX}PSEUDONYM_KEY."
            ) from error
    if not key.get_secret_value():
        raise BadSetting(f"The pseudonym key is empty: give {PREFIX}PSEUDONYM_KEY a value, or leave it out.")
    return key


def _kept_key(place: Path) -> str:
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return place.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
    return place.read_text(encoding="ascii").strip()


def parse_instant(text: str) -> datetime:
    """Read an instant with its offset.

    Raises:
        BadSetting: when it is none, or has no offset: a local time is never assumed.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadSetting(f"'{text}' is no instant: write it as 2024-02-02T12:00:00Z.") from error
    if instant.tzinfo is None:
        raise BadSetting(f"'{text}' has no offset: write 2024-02-02T12:00:00Z, or +02:00 in place of Z.")
    return instant.astimezone(UTC)
