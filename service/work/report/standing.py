"""Which reports do the settings want to be filed, and how are their mails sent?"""

import secrets
import socket
from collections.abc import Callable
from datetime import datetime

from service.core.errors import Misconfigured
from service.core.report.due import Every
from service.core.report.sheet import Language
from service.ledger.engine import Ledger
from service.outbound.files.formats import Shape
from service.outbound.mail import Post
from service.settings import Settings
from service.settings.reports import Report as Wish
from service.settings.values import is_loopback
from service.work.report.filing import Filing, Office
from service.work.report.table import REPORTS


def filings_of(settings: Settings) -> list[Filing]:
    """The standing wishes; raises Misconfigured for one that no report can grant."""
    return [_filing(name, wish) for name, wish in settings.reports.items()]


def _filing(name: str, wish: Wish) -> Filing:
    report, shape = REPORTS.get(wish.report), Shape(wish.format)
    if report is None:
        raise Misconfigured(f"reports.{name}.report", f"should be one of {', '.join(REPORTS)}")
    if shape not in report.shapes:
        raise Misconfigured(
            f"reports.{name}.format", f"should be one of {', '.join(report.shapes)}"
        )
    return Filing(
        name,
        wish.report,
        wish.clock,
        Every(wish.every),
        shape,
        Language(wish.language),
        wish.account,
        wish.folder,
        wish.mail,
    )


def office_of(
    settings: Settings, ledger: Ledger, epoch: str, clock: Callable[[], datetime]
) -> Office:
    """This process as one that files, under a name that no other has."""
    holder = f"{socket.gethostname()[:100]}-{secrets.token_hex(6)}"
    return Office(ledger, settings.zone, epoch, holder, post_of(settings), clock)


def post_of(settings: Settings) -> Post | None:
    """The mail server, if one is set."""
    mail = settings.mail
    if mail.url is None:
        return None
    scheme, host, port, user, password = mail.server()
    return Post(
        host,
        port,
        mail.sender,
        implicit=scheme == "smtps",
        plain=scheme == "smtp" and is_loopback(host),
        user=user,
        password=password,
        ca_file=mail.ca_file,
        timeout_seconds=mail.timeout_seconds,
    )
