"""Settings of the server's processes: environment variables ``STETH_*``, above an optional TOML file."""

import os
import re
import ssl
import tomllib
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from desk.telling.targets import Bounds, read_listed
from ingest.mqtt import Endpoint
from store.retention import Keep, KeepError


class SettingsError(Exception):
    """A setting is missing or wrong. The message is one line: where, what, and what to do."""


class CertificateFilesError(SettingsError, OSError):
    """mqtt_ca, mqtt_cert or mqtt_key can't be used; of a connection that is made again, one more way to fail."""


class Settings(BaseSettings):
    """All settings of all processes; each process says which of them it needs.

    ``dsn_*``: libpq addresses, each of the role that a process logs in as. ``mqtt``:
    ``mqtt[s]://[user[:password]@]host:port``. ``http`` and ``health``: ``host:port`` to listen on; health may be empty.
    ``name``: of this process among its like.
    ``tell_private``: hosts and networks, each with or without ``:port``, that messages may go to though they aren't
    public; ``tell_proxy``: ``http://[user:password@]host:port``, the way to the chat robots (docs/telling.md).
    ``proxies``: addresses or networks of the reverse proxies before the API, with commas between them.
    ``keep_*_days``, ``compress_days``: ages of readings, their roll-ups and the rest (docs/database.md).
    ``audit_key``, ``audit_heads``: files, of the key that signs the audit log's heads, and where they go.
    """

    model_config = SettingsConfigDict(env_prefix="STETH_", extra="forbid")

    dsn_ingest: str = ""
    dsn_jobs: str = ""
    dsn_api: str = ""
    dsn_owner: str = ""
    mqtt: str = Field(default="mqtt://127.0.0.1:1883", pattern=r"^mqtts?://[^\s]+:\d{1,5}$")
    mqtt_ca: str = ""
    mqtt_cert: str = ""
    mqtt_key: str = ""
    mqtt_public: str = ""
    http: str = Field(default="127.0.0.1:8420", pattern=r"^[^\s]+:\d{1,5}$")
    proxies: str = ""
    health: str = Field(default="", pattern=r"^([^\s]+:\d{1,5})?$")
    public_url: str = ""
    tell_private: str = ""
    tell_proxy: str = Field(default="", pattern=r"^(https?://[^\s/]+:\d{1,5}/?)?$")
    catalog: str = ""
    language: Literal["zh", "en"] = "zh"
    heartbeat_s: float = Field(default=15.0, ge=1, le=3600)
    keep_raw_days: int = Field(default=92, ge=3, le=36_500)
    keep_minute_days: int = Field(default=366, ge=3, le=36_500)
    keep_hour_days: int = Field(default=1830, ge=3, le=36_500)
    keep_event_days: int = Field(default=366, ge=3, le=36_500)
    keep_letter_days: int = Field(default=92, ge=1, le=36_500)
    audit_key: str = ""
    audit_heads: str = ""
    compress_days: int = Field(default=7, ge=1, le=36_500)
    log: Literal["json", "console"] = "console"
    name: str = Field(default="", max_length=64)

    @field_validator("proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for text in filter(None, map(str.strip, value.split(","))):
            try:
                network = ip_network(text)
            except ValueError:
                raise PydanticCustomError(
                    "proxies", "an address or network (10.1.2.3, 10.1.2.0/29) is wrong; names are none"
                ) from None
            if network.prefixlen == 0:
                raise PydanticCustomError("proxies", "everybody is no proxy: give the address of yours")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment stands above the file, which comes in as arguments."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

    def proxy_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The proxies whose forwarded headers the API trusts."""
        return tuple(map(ip_network, filter(None, map(str.strip, self.proxies.split(",")))))

    def need(self, *names: str) -> None:
        """Raises SettingsError unless these settings are given."""
        for name in names:
            if not getattr(self, name):
                raise SettingsError(f"{name} is not set: give STETH_{name.upper()}, or {name} in the --config file")

    def keep(self) -> Keep:
        """How long what is kept. Raises SettingsError where the ages contradict one another."""
        try:
            return Keep(
                raw_days=self.keep_raw_days,
                minute_days=self.keep_minute_days,
                hour_days=self.keep_hour_days,
                compress_days=self.compress_days,
                event_days=self.keep_event_days,
                letter_days=self.keep_letter_days,
            )
        except KeepError as error:
            raise SettingsError(f"keep_*_days: {error}") from None

    def endpoint(self) -> Endpoint:
        """The broker as ingest and the command sender connect to it, with the certificates that there are now.

        Raises CertificateFilesError."""
        url = urlsplit(self.mqtt)
        tls = None
        if url.scheme == "mqtts":
            try:
                tls = ssl.create_default_context(cafile=self.mqtt_ca or None)
                if self.mqtt_cert:
                    tls.load_cert_chain(self.mqtt_cert, self.mqtt_key or None)
            except (OSError, ssl.SSLError) as error:
                raise CertificateFilesError(f"mqtt_ca, mqtt_cert or mqtt_key can't be used: {error}") from None
        return Endpoint(
            host=url.hostname or "127.0.0.1",
            port=url.port or 1883,
            tls=tls,
            username=url.username,
            password=url.password,
        )

    def told_mqtt(self) -> str:
        """The broker's address as an agent is told it, never with a login of ours."""
        url = urlsplit(self.mqtt)
        return self.mqtt_public or f"{url.scheme}://{url.netloc.rpartition('@')[2]}"

    def bounds(self) -> Bounds:
        """Where messages to people may go. Raises SettingsError where the operator's list can't be read."""
        try:
            listed = read_listed(self.tell_private)
        except ValueError as error:
            raise SettingsError(f"tell_private: {error}") from None
        hosts = {host for name, value in self if isinstance(value, str) and value for host in _hosts(name, value)}
        return Bounds(listed=listed, own=tuple(sorted(host for host in hosts if host and not host.startswith("/"))))

    def process_name(self, kind: str) -> str:
        """Unique among the processes: host and pid, unless named."""
        return self.name or f"{kind}-{os.uname().nodename}-{os.getpid()}"


def _hosts(name: str, value: str) -> Iterator[str]:
    """The hosts that a setting names as the deployment's own. Raises SettingsError, which quotes no password."""
    try:
        if name in {"http", "health"}:
            yield address(value)[0]
        elif name in {"mqtt", "public_url"}:
            yield urlsplit(value).hostname or ""
        elif name.startswith("dsn_"):
            known = conninfo_to_dict(value)
            yield from f"{known.get('host', '')},{known.get('hostaddr', '')}".split(",")
    except (ValueError, ProgrammingError):
        raise SettingsError(f"{name} is no address that can be read") from None


def address(text: str) -> tuple[str, int]:
    """``host:port`` as a pair."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def load_settings(config: Path | None) -> Settings:
    """Read the settings. Raises SettingsError with file, line and key for what is wrong in the file."""
    given: dict[str, object] = {}
    text = ""
    if config is not None:
        try:
            text = config.read_text(encoding="utf-8")
            given = tomllib.loads(text)
        except OSError as error:
            raise SettingsError(f"{config}: can't be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SettingsError(f"{config}: is not UTF-8 text") from None
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{config}: {error}") from None
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks what the file says
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else "?"
        known = "" if first["type"] != "extra_forbidden" else "; known are " + ", ".join(sorted(Settings.model_fields))
        raise SettingsError(f"{_place(config, text, key)}: {first['msg']}{known}") from None


def _place(config: Path | None, text: str, key: str) -> str:
    found = re.search(rf"^[ \t]*[\"']?{re.escape(key)}[\"']?[ \t]*=", text, re.MULTILINE)
    if config is None or found is None:
        return f"STETH_{key.upper()}"
    return f"{config}:{text.count(chr(10), 0, found.start()) + 1}: {key}"
