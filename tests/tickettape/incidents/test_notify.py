"""Messages over real HTTP: whoever is gone costs a warning."""

import pytest

from tests.support.receiver import Receiver
from tickettape.incidents import (
    send_message,
)


@pytest.mark.parametrize("url", ["json://127.0.0.1:1/", "nonsense", "json://"])
def test_a_receiver_that_is_gone_costs_a_warning_without_its_url(url: str, caplog: pytest.LogCaptureFixture) -> None:
    assert not send_message(f"{url}a-secret-token", "a title", "a text")
    assert "URL number 1 of INCIDENT_URLS failed" in caplog.text
    assert "a-secret-token" not in caplog.text


def test_a_message_that_one_receiver_takes_is_sent_though_another_is_gone(receiver: Receiver) -> None:
    assert send_message(f"json://127.0.0.1:1/ {receiver.url}", "a title", "a text")
    assert receiver.titles() == ["a title"]
    receiver.status = 500
    assert not send_message(receiver.url, "a title", "a text")


def test_what_is_longer_than_a_service_takes_at_once_arrives_in_parts(receiver: Receiver) -> None:
    """Mattermost takes 4,000 characters, and, unlike Discord, lets a test be the service."""
    url = receiver.url.replace("json://", "mmost://")
    text = "\n".join(f"Event {number} is stale." for number in range(500))
    assert send_message(url, "a title", text)
    parts = [message["text"] for message in receiver.messages]
    assert len(parts) > 1
    assert max(map(len, parts)) <= 4_000
    assert "Event 0 is stale" in parts[0]
    assert "Event 499 is stale" in parts[-1]
