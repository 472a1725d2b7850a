"""Mail to buyers: what the box office has decided to say, sent at least once.

Whoever refunds or offers writes the notice in the same transaction (`box_office.notifications`), so it is decided once.
Its Message-ID is always the same, so a mail client shows a notice that was sent twice as one.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from email.message import EmailMessage
from urllib.parse import urlsplit

from psycopg.rows import class_row

from tickettape.database import Connection, is_this_machine
from tickettape.mail import RefusedError, Send, address_of, plain_mail
from tickettape.settings import Settings

MOST_ATTEMPTS = 10  # then a notice is given up: its address takes no mail

log = logging.getLogger(__name__)

UNSUBSCRIBE = "/box-office/unsubscribe"
"""The path of the service's page that ends mail about waitlists."""


@dataclass(frozen=True)
class Notice:
    """What is to be said to a buyer. `amount` in `currency`; `expires_at` of an offer."""

    id: int
    kind: str
    email: str
    title: str | None
    amount: Decimal | None
    currency: str | None
    expires_at: datetime | None
    created_at: datetime
    token: str


def unsubscribe_page(settings: Settings) -> str | None:
    """The page that ends mail about waitlists, up to a buyer's token; None if nobody but this machine reaches it."""
    if is_this_machine(urlsplit(settings.public_url).hostname or ""):
        return None
    return f"{settings.public_url.rstrip('/')}{UNSUBSCRIBE}?token="


def message_of(notice: Notice, sender: str, unsubscribe_url: str | None) -> EmailMessage:
    """The mail: plain text, with a Message-ID that depends on the notice alone."""
    about = notice.title or "your order"
    money = f"{notice.amount} {notice.currency}"
    subject, text = {
        "waitlist_offer": (
            f"Tickets for {about} are held for you",
            f"Tickets for {about} came free, and you are next on the waitlist. They are held for you until "
            f"{notice.expires_at:%d %B %Y, %H:%M} UTC. After that they go to the next person."
            if notice.expires_at
            else f"Tickets for {about} came free, and you are next on the waitlist.",
        ),
        "payment_refund": (f"Your refund for {about}", f"{money} for {about} will be returned to you."),
        "payment_return": (
            f"Your payment for {about} is returned",
            f"Your payment of {money} for {about} came when the tickets were no longer held. It will be returned.",
        ),
    }.get(notice.kind, (f"About {about}", f"There is news about {about}."))
    link = None
    if notice.kind == "waitlist_offer":
        if unsubscribe_url:
            link = f"{unsubscribe_url}{notice.token}"
            text += f"\n\nIf you want no more mail about waitlists: {link}"
        else:
            link = f"mailto:{address_of(sender)}?subject=unsubscribe%20{notice.token}"
            text += f"\n\nIf you want no more mail about waitlists, answer with the subject: unsubscribe {notice.token}"
    return plain_mail(
        sender=sender,
        to=notice.email,
        subject=subject,
        text=text + "\n",
        written_at=notice.created_at,
        message_id=f"box-office.{notice.id}",
        unsubscribe=link,
    )


def send_notices(
    connection: Connection, send: Send, sender: str, unsubscribe_url: str | None = None, *, most: int = 200
) -> dict[str, int]:
    """Send what is to be said; how many were sent, refused and kept back. Several may run at once.

    The transaction of a notice ends after it was sent: a run that is killed in between sends it again. Refused
    addresses are tried MOST_ATTEMPTS times. Raises OSError or SMTPException if the server takes nothing at all.
    """
    counts = {"sent": 0, "refused": 0, "not wanted": 0}
    last = 0
    for _ in range(most):
        with connection.transaction():
            notice, wanted = _next(connection, last)
            if notice is None:
                break
            last = notice.id
            if not wanted:
                _note(connection, notice, "sent_at = clock_timestamp(), error = 'not wanted'")
                counts["not wanted"] += 1
                continue
            try:
                send(message_of(notice, sender, unsubscribe_url))
            except RefusedError as refused:
                log.warning("Notice %s was refused: %s", notice.id, refused.code)
                _note(connection, notice, "attempts = attempts + 1, error = %s", f"refused: {refused.code}")
                counts["refused"] += 1
                continue
            _note(connection, notice, "sent_at = clock_timestamp(), error = null")
            counts["sent"] += 1
    return counts


def _next(connection: Connection, after: int) -> tuple[Notice | None, bool]:
    """The next notice, locked, and whether its buyer wants such mail."""
    row = connection.execute(
        """select notifications.id, notifications.user_id, users.erased_at is not null
           from box_office.notifications inner join box_office.users on users.id = notifications.user_id
           where sent_at is null and attempts < %s and notifications.id > %s
           order by notifications.id limit 1 for update of notifications skip locked""",
        [MOST_ATTEMPTS, after],
    ).fetchone()
    if row is None:
        return None, False
    number, user, erased = row
    connection.execute("insert into box_office.mail_preferences (user_id) values (%s) on conflict do nothing", [user])
    with connection.cursor(row_factory=class_row(Notice)) as cursor:
        notice = cursor.execute(
            """select said.id, said.kind, users.email, events.title, said.amount,
                   coalesce(orders.currency, bookings.currency) as currency,
                   coalesce(orders.expires_at, bookings.hold_expires_at) as expires_at, said.created_at,
                   preferences.token
               from box_office.notifications as said
               inner join box_office.users on users.id = said.user_id
               inner join box_office.mail_preferences as preferences on preferences.user_id = said.user_id
               left join box_office.orders on orders.id = said.order_id
               left join box_office.bookings on bookings.id = said.booking_id
               left join box_office.stored_events as events on events.id = coalesce(orders.event_id, bookings.event_id)
               where said.id = %s""",
            [number],
        ).fetchone()
    off = connection.execute(
        "select off_at is not null from box_office.mail_preferences where user_id = %s", [user]
    ).fetchone()
    unwanted = erased or (notice is not None and notice.kind == "waitlist_offer" and off == (True,))
    return notice, not unwanted


def _note(connection: Connection, notice: Notice, what: str, *values: object) -> None:
    connection.execute(
        f"update box_office.notifications set {what} where id = %s".encode(),  # noqa: S608  a phrase of ours
        [*values, notice.id],
    )
