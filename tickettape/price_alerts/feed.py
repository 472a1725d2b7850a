"""What a tenant's rules told, as an Atom feed (RFC 4287). Its address is signed, because feed readers send no keys."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import LiteralString
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from tickettape.price_alerts.messages import Alert, text_of, title_of

ATOM = "http://www.w3.org/2005/Atom"
MOST_ENTRIES = 50

register_namespace("", ATOM)

FEED_OCCASIONS: LiteralString = """
    select occasion_id from price_alerts.occasions
    where tenant_id = %s and outcome in ('tell', 'withdrawn') order by occasion_id desc limit %s"""


def feed_of(tenant_id: UUID, address: str, alerts: Sequence[Alert], now: datetime) -> bytes:
    """The feed of some alerts, the newest first. `address`: its own URL."""
    feed = Element(f"{{{ATOM}}}feed")
    _add(feed, "id", f"urn:uuid:{tenant_id}")
    _add(feed, "title", "Price alerts")
    _add(feed, "updated", _instant(max((alert.tick for alert in alerts), default=now)))
    _add(feed, "link", rel="self", href=address)
    author = SubElement(feed, f"{{{ATOM}}}author")
    _add(author, "name", "Tickettape")
    for alert in alerts:
        entry = SubElement(feed, f"{{{ATOM}}}entry")
        _add(entry, "id", f"{address.partition('?')[0]}#price-alert-{alert.occasion_id}")
        _add(entry, "title", title_of(alert))
        _add(entry, "updated", _instant(alert.tick))
        _add(entry, "link", href=alert.page)
        _add(entry, "content", text_of(alert, alert.tick), type="text")
    return bytes(tostring(feed, encoding="utf-8", xml_declaration=True))


def _add(parent: Element, name: str, text: str = "", **attributes: str) -> None:
    SubElement(parent, f"{{{ATOM}}}{name}", attributes).text = _printable(text) or None


def _printable(text: str) -> str:
    """A text without the characters that XML cannot hold."""
    return "".join(letter for letter in text if letter in "\t\n\r" or letter >= " ")


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
