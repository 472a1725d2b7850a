"""Send messages to people with apprise. `detection` decides what is worth a message."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST_PAUSE = timedelta(hours=1)

log = logging.getLogger(__name__)


@dataclass
class SendAttempts:
    """How many attempts to send failed in a row, and when the next one is allowed."""

    failures: int = 0
    not_before: datetime | None = None

    def may_be_sent(self, now: datetime) -> bool:
        """Whether it is time for an attempt."""
        return self.not_before is None or now >= self.not_before

    def note(self, now: datetime, *, sent: bool) -> None:
        """Count an attempt. The pause doubles with each failure, up to LONGEST_PAUSE."""
        self.failures = 0 if sent else self.failures + 1
        pause = min(LONGEST_PAUSE, timedelta(minutes=2.0 ** min(self.failures - 1, 10)))
        self.not_before = None if sent else now + pause


def send_message(urls: str, title: str, text: str, *, setting: str = "INCIDENT_URLS") -> bool:
    """Send a message to every URL. Returns whether at least one took it.

    One is enough, because otherwise those that took it would get it again. No error is raised. URLs are not logged,
    because they hold secrets.
    """
    import apprise  # takes a quarter of a second, so it is imported only to send

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its lines hold the URLs, and so their secrets
    taken = 0
    for number, url in enumerate(urls.split(), 1):
        try:
            service = apprise.Apprise.instantiate(url)
            if service is not None:
                if "overflow=" not in url:  # the default is to send too long a message whole, which services refuse
                    service.overflow_mode = apprise.OverflowMode.SPLIT
                notifier = apprise.Apprise()
                notifier.add(service)
                if notifier.notify(title=title, body=text):
                    taken += 1
                    continue
            why = "it is no apprise URL" if service is None else "it did not take the message"
        except Exception as error:
            why = type(error).__name__
        log.warning(
            "URL number %d of %s failed: %s. `tickettape incidents --test` tries INCIDENT_URLS.", number, setting, why
        )
    return taken > 0
