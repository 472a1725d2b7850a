"""The words of a message. Pure: no SQL, no clock, no network."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Everything that a message says. Prices are per ticket, as texts with their currency; None: not known.

    `cheaper_share`: the share of the hours of its history in which the event's get-in price was lower. `page`: the
    event's page here; `page_url`: the one at the marketplace.
    """

    occasion_id: int
    rule_id: UUID
    outcome: str
    rule: str
    condition: str
    event_id: UUID
    event: str
    venue: str | None
    event_date: datetime | None
    event_time_zone: str | None
    tick: datetime
    listing_id: str | None
    zone: str | None
    section: str | None
    row: str | None
    quantity: int | None
    all_in_price: str | None
    price: str | None
    compared_with: str | None
    tickets_left: int | None
    cheaper_share: float | None
    told_at: datetime | None
    page: str
    page_url: str | None
    stop: str


COMPARISONS = {
    "below_median": "The median of the last 7 days is {}.",
    "cheapest": "The lowest price until then was {}.",
    "fell": "A day before, it was {}.",
    "rose": "A day before, it was {}.",
}


def title_of(alert: Alert) -> str:
    """A line that says what happened, for a notification or a mail's subject."""
    if alert.outcome == "test":
        return f"Test of the alert {alert.rule}"
    if alert.outcome == "withdrawn":
        return f"Withdrawn: a price for {alert.event}"
    if alert.condition == "few":
        return f"{alert.tickets_left} tickets left for {alert.event}"
    price = alert.all_in_price or alert.price or "an unknown price"
    back = "Back for sale: " if alert.condition == "back" else ""
    rise = " at least" if alert.condition == "rose" else ""
    return f"{back}{alert.event} for{rise} {price}"


def text_of(alert: Alert, now: datetime) -> str:
    """The message, a fact a line."""
    return "\n".join(_lines(alert, now))


def _lines(alert: Alert, now: datetime) -> Iterator[str]:
    if alert.outcome == "test":
        yield "This is a test. Alerts of this rule will arrive here."
    if alert.outcome == "withdrawn" and alert.told_at:
        yield (
            f"The price we told you of at {_clock(alert.told_at, alert)} was withdrawn by the marketplace's own "
            "correction."
        )
    yield f"{alert.event}{f', {alert.venue}' if alert.venue else ''}, {_date(alert)}"
    seats = [
        f"{name} {value}" for name, value in (("section", alert.section), ("row", alert.row)) if value and value.strip()
    ]
    if alert.quantity:
        tickets = "1 ticket" if alert.quantity == 1 else f"{alert.quantity} tickets"
        yield f"{', '.join([*seats, tickets])}".capitalize() + (f" ({alert.zone})" if alert.zone else "")
    if alert.all_in_price or alert.price:
        known = [f"{alert.all_in_price} with fees" if alert.all_in_price else "", f"{alert.price} before fees"]
        yield f"Per ticket: {', '.join(filter(None, known))}"
    if alert.compared_with and alert.condition in COMPARISONS:
        yield COMPARISONS[alert.condition].format(alert.compared_with)
    if alert.cheaper_share is not None:
        share = round(alert.cheaper_share * 100)
        yield f"The event's lowest price was lower in {share} % of the hours that we have seen."
    if alert.tickets_left is not None:
        yield f"{alert.tickets_left} tickets are left."
    age = max(0, round((now - alert.tick).total_seconds() / 60))
    yield f"Seen at {_clock(alert.tick, alert)}, {age} minute{'' if age == 1 else 's'} before this message."
    yield f"Your rule: {alert.rule}"
    yield f"Listings: {alert.page}"
    if alert.page_url:
        yield f"At the marketplace: {alert.page_url}"
    yield f"Stop this alert: {alert.stop}"


def _date(alert: Alert) -> str:
    if alert.event_date is None:
        return "date not known"
    local = alert.event_date.astimezone(ZoneInfo(alert.event_time_zone) if alert.event_time_zone else UTC)
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M}" + ("" if alert.event_time_zone else " UTC")


def _clock(at: datetime, alert: Alert) -> str:
    local = at.astimezone(ZoneInfo(alert.event_time_zone) if alert.event_time_zone else UTC)
    return f"{local:%H:%M}" + (" at the venue" if alert.event_time_zone else " UTC")


def split_text(text: str, most_bytes: int) -> list[str]:
    """A text in parts of at most so many bytes, at ends of lines if possible."""
    parts: list[str] = []
    part = ""
    for line in text.splitlines(keepends=True):
        for piece in _pieces(line, most_bytes):
            if len((part + piece).encode()) > most_bytes:
                parts.append(part)
                part = ""
            part += piece
    return [*parts, part] if part else parts


def _pieces(line: str, most_bytes: int) -> Iterator[str]:
    piece = b""
    for letter in line:
        encoded = letter.encode()
        if len(piece) + len(encoded) > most_bytes:
            yield piece.decode()
            piece = b""
        piece += encoded
    yield piece.decode()
