"""Send a message to people by apprise. What is worth one is decided in `detection`."""

import logging

log = logging.getLogger(__name__)


def send_message(urls: str, title: str, text: str) -> bool:
    """Send a message to every URL; whether any took it: who did is not told twice because another did not.

    Nothing is raised, and no URL is logged: they hold secrets.
    """
    import apprise  # a quarter of a second, which only those need wait for who have something to tell

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its lines hold the URLs, and so their secrets
    taken = 0
    for number, url in enumerate(urls.split(), 1):
        notifier = apprise.Apprise()
        try:
            if notifier.add(url) and notifier.notify(title=title, body=text):
                taken += 1
                continue
            why = "it did not take the message" if len(notifier) else "it is no apprise URL"
        except Exception as error:
            why = type(error).__name__
        log.warning(
            "URL number %d of INCIDENT_URLS failed: %s. Try it with `tickettape incidents --test`.", number, why
        )
    return taken > 0
