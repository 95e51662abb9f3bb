"""How one value is read: TOML gives it typed, the environment as text; both end up the same."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo

from service.core.kinds import KINDS

_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_SUBJECT = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_NAME = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")
SECRET_FILE_BYTES_LIMIT = 64 * 1024
WEBHOOK_SECRET_BYTES_LEAST = 24
NAME_LIMIT = 40


def _number(value: Any) -> Any:
    """Text of ASCII digits is a number; anything else is left for the type to refuse."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value


def _flag(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _words(value: Any) -> Any:
    if isinstance(value, str):
        value = [word.strip() for word in value.split(",")]
    return tuple(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _path(value: Any, info: ValidationInfo) -> Any:
    """A relative path is meant from the configuration file's folder."""
    if not isinstance(value, str):
        return value
    if not value or "\0" in value:
        raise ValueError("should be a path")
    folder: Path = info.context["folder"] if info.context else Path()
    return (folder / Path(value).expanduser()).absolute()


def _name(value: str) -> str:
    if len(value) > NAME_LIMIT or not _NAME.fullmatch(value):
        raise ValueError(
            f"a name has small letters, digits, single - or _, at most {NAME_LIMIT} of them"
        )
    return value


Flag = Annotated[bool, BeforeValidator(_flag)]
Whole = Annotated[int, BeforeValidator(_number)]
Real = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
FilePath = Annotated[Path, BeforeValidator(_path)]
FilePaths = Annotated[tuple[FilePath, ...], BeforeValidator(_words)]
Name = Annotated[str, AfterValidator(_name)]


def read_secret(path: Path) -> str:
    """The text of a secret's file without its last line end; ValueError says what is wrong."""
    try:
        with path.open("rb") as file:
            data = file.read(SECRET_FILE_BYTES_LIMIT + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > SECRET_FILE_BYTES_LIMIT:
        raise ValueError(f"{path} is too large for a secret")
    try:
        text = data.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file") from None
    if not text:
        raise ValueError(f"{path} is empty")
    return text


def check_secret_text(secret: SecretStr) -> SecretStr:
    """Refuse what was pasted badly; a header cannot carry it anyway."""
    text = secret.get_secret_value()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("should be printable ASCII without spaces")
    return secret


def check_webhook_secret(secret: SecretStr) -> SecretStr:
    """Standard Webhooks: whsec_ and base64 of 24 bytes or more."""
    kind, _, encoded = secret.get_secret_value().rpartition("_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if kind != "whsec" or len(key) < WEBHOOK_SECRET_BYTES_LEAST:
        raise ValueError(
            f"should be whsec_ and the base64 of at least {WEBHOOK_SECRET_BYTES_LEAST} bytes"
        )
    return secret


def check_zone(name: str) -> str:
    """A zone of the tz database."""
    if name not in available_timezones():
        raise ValueError("should be a zone of the tz database, such as Asia/Shanghai")
    return name


def check_api_base(url: str) -> str:
    """https://host[:port] and no more; plain http and addresses only on loopback."""
    parts = _split(url)
    if parts.path not in ("", "/") or "?" in url or "#" in url:
        raise ValueError("should end after the host: no path, no query")
    loopback = is_loopback(parts.hostname or "")
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise ValueError("should begin with https:// (plain http only on loopback)")
    if _address(parts.hostname or "") and not loopback:
        raise ValueError("should name a host, not an address")
    return url.rstrip("/")


def check_endpoint(url: str) -> str:
    """http(s)://host[:port] of a collector, which stands inside: plain http will do."""
    parts = _split(url)
    if parts.scheme not in ("https", "http"):
        raise ValueError("should begin with http:// or https://")
    if parts.path not in ("", "/") or "?" in url or "#" in url:
        raise ValueError("should end after the host: /v1/traces is added")
    return url.rstrip("/")


def check_deposit_path(path: str) -> str:
    """A path of the provider's over {id} and, where it needs one, {app}; or none at all."""
    plain = path.replace("{id}", "").replace("{app}", "")
    if path and (path.count("{id}") != 1 or not re.fullmatch(r"/v1/[a-z0-9_/]{0,200}", plain)):
        raise ValueError("should be /v1/… with {id} once and perhaps {app}, or empty")
    return path


def check_webhook_url(url: str) -> str:
    """An https or http address without credentials and fragment; the sink refuses more."""
    parts = _split(url)
    if parts.scheme not in ("https", "http"):
        raise ValueError("should begin with https://")
    if "#" in url:
        raise ValueError("should have no fragment")
    return url


def check_brokers(text: str) -> str:
    """host:port, several parted by commas."""
    for one in text.split(","):
        host, _, port = one.strip().rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 2**16:
            raise ValueError("should be host:port, several parted by commas")
    return text


def check_subject(text: str) -> str:
    """A NATS subject without wildcards."""
    if not _SUBJECT.fullmatch(text):
        raise ValueError("should be words of letters, digits, - and _, parted by dots")
    return text


def check_start(text: str) -> str:
    """now, beginning, or a time with its zone."""
    if text in ("now", "beginning"):
        return text
    try:
        known = datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        known = False
    if not known:
        raise ValueError("should be now, beginning or a time such as 2026-11-23T12:00:00+08:00")
    return text


def check_kinds(words: tuple[str, ...]) -> tuple[str, ...]:
    """Object kinds, and what else there are messages of."""
    known = (*KINDS, "mismatch", "notice", "alert", "closing")
    return _check_words(words, known)


def check_severities(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words that rules have."""
    return _check_words(words, ("critical", "warning", "info"))


def _check_words(words: tuple[str, ...], known: Sequence[str]) -> tuple[str, ...]:
    for word in words:
        if word not in known:
            raise ValueError(f"should list some of {', '.join(known)}")
    return words


def _split(url: str) -> SplitResult:
    """Raise ValueError unless it is a plain absolute URL; never quotes it."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError("should be printable ASCII: write a unicode host as punycode")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL with a host and, if any, a port number") from None
    if not parts.hostname or port == 0:
        raise ValueError("is not a URL with a host and, if any, a port number")
    if "@" in parts.netloc:
        raise ValueError("should not have a user or a password in it")
    return parts


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine itself."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


# This machine, private networks (RFC 1918, 4193), link-local and carriers' own (RFC 6598).
PRIVATE_NETWORKS = (
    "127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7",
    "169.254.0.0/16", "fe80::/10", "100.64.0.0/10",
)  # fmt: skip


def check_proxies(proxies: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses and networks; uvicorn would take anything else as a literal, in silence."""
    for proxy in proxies:
        try:
            network = ipaddress.ip_network(proxy)
        except ValueError:
            raise ValueError("should list addresses and networks such as 10.0.0.0/8") from None
        if network.prefixlen == 0:
            raise ValueError("should not trust the whole world")
    return proxies


def check_place(text: str) -> str:
    """HOST:PORT, an IPv6 address in brackets; or nothing."""
    host, _, port = text.rpartition(":")
    if text and (not host or not port.isascii() or not port.isdigit() or int(port) > 65_535):
        raise ValueError("should be HOST:PORT, such as 127.0.0.1:8081")
    return text


def check_console_url(url: str) -> str:
    """https://host[:port] or http://… as browsers see it, and no more; or nothing."""
    if not url:
        return url
    parts = _split(url)
    if parts.scheme not in ("https", "http") or parts.path not in ("", "/") or "?" in url:
        raise ValueError("should be https://host[:port] and end there")
    return url.rstrip("/").lower()


def check_issuer(url: str) -> str:
    """https://… exactly as the provider writes it (plain http only on loopback); or nothing."""
    if not url:
        return url
    parts = _split(url)
    if parts.scheme != "https" and not (
        parts.scheme == "http" and is_loopback(parts.hostname or "")
    ):
        raise ValueError("should begin with https:// (plain http only on loopback)")
    if "?" in url or "#" in url:
        raise ValueError("should have no query and no fragment")
    return url
