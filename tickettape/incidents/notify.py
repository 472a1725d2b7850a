"""Send a message to people by apprise. What is worth one is decided in `detection`."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST_PAUSE = timedelta(hours=1)

log = logging.getLogger(__name__)


@dataclass
class SendAttempts:
    """How often in a row no URL took a message, and before when it is not tried again."""

    failures: int = 0
    not_before: datetime | None = None

    def may_be_sent(self, now: datetime) -> bool:
        """Whether it is time for an attempt."""
        return self.not_before is None or now >= self.not_before

    def note(self, now: datetime, *, sent: bool) -> None:
        """Count an attempt. The pause doubles with each failure, so that a refused message is not sent for ever."""
        self.failures = 0 if sent else self.failures + 1
        pause = min(LONGEST_PAUSE, timedelta(minutes=2.0 ** min(self.failures - 1, 10)))
        self.not_before = None if sent else now + pause


def send_message(urls: str, title: str, text: str, *, setting: str = "INCIDENT_URLS") -> bool:
    """Send a message to every URL; whether any took it: who did is not told twice because another did not.

    Nothing is raised, and no URL is logged: they hold secrets.
    """
    import apprise  # a quarter of a second, which only those need wait for who have something to tell

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its lines hold the URLs, and so their secrets
    taken = 0
    for number, url in enumerate(urls.split(), 1):
        try:
            service = apprise.Apprise.instantiate(url)
            if service is not None:
                if "overflow=" not in url:  # by default what a service finds too long is sent whole, and refused
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
