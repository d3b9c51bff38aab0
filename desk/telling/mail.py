"""One mail by SMTP (RFC 5321), to the mail server's address that was checked; its time and memory are bounded."""

import asyncio
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid
from typing import cast

import aiosmtplib

from desk.telling.addresses import Mail
from desk.telling.post import tls
from desk.telling.reasons import RefusedError, TellingError
from desk.telling.way import Way


async def post_mail(mail: Mail, subject: str, body: str, *, way: Way, limit_s: float) -> None:
    """Returns when the mail server has taken it for all. Raises TellingError when it has not within `limit_s`.

    A server that should offer STARTTLS and doesn't gets neither password nor mail.
    """
    message = _written(mail, subject, body)
    try:
        async with asyncio.timeout(limit_s):
            made = await way.connect(mail.host, mail.port, "mail")
            host = made.getsockname()[0]
            client = aiosmtplib.SMTP(
                hostname=mail.host,
                sock=made,
                # The machine's own name is nobody's business (RFC 5321 4.1.3).
                local_hostname=f"[IPv6:{host}]" if ":" in host else f"[{host}]",
                timeout=limit_s / 2,  # within the handshake it must end by itself
                use_tls=mail.security == "ssl",
                start_tls=mail.security == "starttls",
                tls_context=tls(),
                username=mail.user or None,
                password=mail.password or None,
            )
            try:
                await client.connect()
                refused, _ = await client.send_message(message)
                if refused:
                    raise _of_status(next(iter(refused.values())).code)
                with suppress(aiosmtplib.SMTPException, OSError):  # it has the mail, whatever it answers now
                    await client.execute_command(b"QUIT", timeout=limit_s / 10)
            finally:
                transport = cast("asyncio.Transport | None", client.transport)
                client.close()
                if transport is not None:
                    transport.abort()  # a server that ends no TLS keeps nothing open
                made.close()
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise _of_status(error.recipients[0].code) from None
    except aiosmtplib.SMTPResponseException as error:
        raise _of_status(error.code) from None
    except ssl.SSLCertVerificationError:
        raise TellingError("telling.certificate") from None
    except TimeoutError:
        raise TellingError("telling.no_answer", seconds=round(limit_s)) from None
    except OSError as error:  # aiosmtplib's own too
        untrusted = isinstance(error.__cause__, ssl.SSLCertVerificationError)
        raise TellingError("telling.certificate" if untrusted else "telling.no_connection") from None
    except aiosmtplib.SMTPException:  # no STARTTLS, no login
        raise RefusedError("telling.mail_unfit") from None


def _written(mail: Mail, subject: str, body: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = " ".join(subject.split())
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.to)
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = make_msgid(domain=mail.sender.domain)
    message["Auto-Submitted"] = "auto-generated"  # nobody's absence note answers it (RFC 3834)
    message.set_content(body)
    return message


def _of_status(status: int) -> TellingError:
    """RFC 5321: 4yz may heal, 5yz doesn't; -1 is an answer that is none."""
    if status < 400:
        return TellingError("telling.unreadable")
    return (TellingError if status < 500 else RefusedError)("telling.smtp", status=status)
