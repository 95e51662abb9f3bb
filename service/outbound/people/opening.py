"""Which service does an address lead to? It is what the service shows, or an URL of Apprise's."""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from service.core.errors import Misconfigured
from service.outbound.people.bots import STYLES, Bot
from service.outbound.people.document import Document
from service.outbound.people.incidents import PagerDuty
from service.outbound.people.library import ByLibrary
from service.outbound.people.note import Channel
from service.outbound.people.post import Poster
from service.settings.people import People

# by host, the bot whose webhook it is
_HOSTS = {
    "oapi.dingtalk.com": "dingtalk",
    "api.dingtalk.com": "dingtalk",
    "open.feishu.cn": "feishu",
    "open.larksuite.com": "lark",
    "qyapi.weixin.qq.com": "wecom",
    "hooks.slack.com": "slack",
}
# Apprise takes what these refuse for success, or cannot sign for them, or ends no incident
_SHOWN = ("dingtalk", "feishu", "lark", "wecombot", "pagerduty")
_PAGERDUTY = ("events.pagerduty.com", "events.eu.pagerduty.com")


def open_channel(name: str, people: People, *, clock: Callable[[], datetime]) -> Channel:
    """Open the channel; raises Misconfigured when it will never do, never quoting the address."""
    url = people.url.get_secret_value()
    secret = people.secret.get_secret_value() if people.secret else None
    parts = urlsplit(url)
    if parts.scheme in _SHOWN:
        raise Misconfigured(f"people.{name}.url", "should be the https:// address of the service")
    if parts.scheme not in ("https", "http"):
        _refuse(people.base is not None, f"people.{name}.base")
        _refuse(secret is not None, f"people.{name}.secret")
        return ByLibrary(name, url, seconds=people.timeout_seconds)
    base = people.base or f"{parts.scheme}://{parts.netloc}"
    poster = Poster(name, base, seconds=people.timeout_seconds)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    host = (parts.hostname or "").lower()
    if host in _PAGERDUTY:
        return PagerDuty(name, poster, _routing_key(name, parts.query, secret))
    if host not in _HOSTS:
        return Document(name, poster, path)
    style = STYLES[_HOSTS[host]]
    if secret is not None and style.signs is None:
        raise Misconfigured(f"people.{name}.secret", f"{style.service} signs nothing")
    return Bot(name, style, poster, path, clock=clock, secret=secret)


def _refuse(given: bool, key: str) -> None:
    if given:
        raise Misconfigured(key, "is only for addresses that begin with https://")


def _routing_key(name: str, query: str, secret: str | None) -> str:
    found = secret or next(iter(parse_qs(query).get("routing_key", ())), "")
    if not found:
        raise Misconfigured(f"people.{name}.secret", "is missing: the integration's key")
    return found
