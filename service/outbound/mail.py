"""How does a mail get to its server: encrypted, within a time, and answered for?"""

import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from service.core.errors import GiveUp, TryLater

# Larger files are not sent: most servers take no more.
ATTACHMENT_BYTES_LIMIT = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Post:
    """A mail server, and in whose name we write.

    implicit: TLS from the first byte; else it is asked for (STARTTLS), and a server that has none
    is refused unless `plain`, which is for this machine itself.
    """

    host: str
    port: int
    sender: str
    implicit: bool = False
    plain: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    timeout_seconds: float = 30.0


def send(post: Post, message: EmailMessage) -> None:
    """Hand one mail over; raises TryLater, which names no address, or GiveUp when it is refused."""
    try:
        with _connected(post) as server:
            if post.user:
                server.login(post.user, post.password)
            refused = server.send_message(message)
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPRecipientsRefused) as error:
        # a password that was changed and an address that is away may both come back
        raise TryLater(f"the mail server said no: {type(error).__name__}") from None
    except (smtplib.SMTPException, OSError) as error:
        raise TryLater(f"the mail could not be sent: {type(error).__name__}") from None
    if refused:
        raise GiveUp(f"the mail server took it, but not for {len(refused)} of its addresses")


def _connected(post: Post) -> smtplib.SMTP:
    context = ssl.create_default_context(cafile=post.ca_file)
    if post.implicit:
        return smtplib.SMTP_SSL(post.host, post.port, timeout=post.timeout_seconds, context=context)
    server = smtplib.SMTP(post.host, post.port, timeout=post.timeout_seconds)
    if not post.plain:
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def letter(
    post: Post, to: tuple[str, ...], subject: str, text: str, *, message_id: str, at: datetime
) -> EmailMessage:
    """A plain mail; the same report has the same id, so that a repeat can be told."""
    message = EmailMessage()
    message["From"] = post.sender
    message["To"] = ", ".join(to)
    message["Subject"] = subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    message.set_content(text)
    return message


def attach(message: EmailMessage, path: Path, media_type: str) -> None:
    """Put a file into a mail; raises GiveUp when it is too large for that."""
    size = path.stat().st_size
    if size > ATTACHMENT_BYTES_LIMIT:
        limit = ATTACHMENT_BYTES_LIMIT // 1024 // 1024
        raise GiveUp(f"{path.name} has {size // 1024 // 1024} MiB: a mail takes {limit}")
    kind, _, rest = media_type.partition(";")[0].partition("/")
    message.add_attachment(path.read_bytes(), maintype=kind, subtype=rest, filename=path.name)
