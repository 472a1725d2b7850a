"""Encrypt what is personal, and sign links. The keys are PRICE_ALERTS_KEY's, and nowhere else."""

import base64
import hashlib
import hmac
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from tickettape.settings import Settings


class AlertError(Exception):
    """A request about price alerts cannot be done. The message says why, and what to do instead."""


class Sealing:
    """The keys of PRICE_ALERTS_KEY: the first one encrypts and signs, all of them decrypt and check."""

    def __init__(self, keys: str) -> None:
        self._keys = keys.split()
        try:
            self._fernet = MultiFernet([Fernet(key) for key in self._keys])
        except ValueError:
            raise AlertError(
                "PRICE_ALERTS_KEY is no key. `tickettape price-alerts new-key` prints one that can be used."
            ) from None

    @classmethod
    def of(cls, settings: Settings) -> "Sealing":
        """The keys of the settings. Raises AlertError if there are none."""
        if settings.price_alerts_key is None:
            raise AlertError(
                "PRICE_ALERTS_KEY is not set, so no destination can be stored. `tickettape price-alerts new-key` "
                "prints one: add it to .env and start again."
            )
        return cls(settings.price_alerts_key.get_secret_value())

    def encrypt(self, text: str) -> bytes:
        """A text as only these keys read it."""
        return self._fernet.encrypt(text.encode())

    def decrypt(self, sealed: bytes) -> str:
        """The text. Raises AlertError if it was encrypted with another key."""
        try:
            return self._fernet.decrypt(bytes(sealed)).decode()
        except InvalidToken:
            raise AlertError(
                "A destination was encrypted with a key that is no longer in PRICE_ALERTS_KEY. Add that key again at "
                "the end, or let the tenant enter the destination again."
            ) from None

    def signature(self, rule_id: UUID) -> str:
        """What lets whoever holds a link stop this rule, and nothing else."""
        return self._signatures(rule_id)[0]

    def is_signed(self, rule_id: UUID, signature: str) -> bool:
        """Whether a signature is one of ours for this rule."""
        # as bytes, because a text that is not ASCII cannot be compared
        given = signature.encode(errors="replace")
        return any(hmac.compare_digest(own.encode(), given) for own in self._signatures(rule_id))

    def _signatures(self, rule_id: UUID) -> list[str]:
        message = b"tickettape price alert stop " + rule_id.bytes
        digests = [hmac.new(key.encode(), message, hashlib.sha256).digest() for key in self._keys]
        return [base64.urlsafe_b64encode(digest).decode().rstrip("=") for digest in digests]


def new_key() -> str:
    """A new value for PRICE_ALERTS_KEY."""
    return Fernet.generate_key().decode()
