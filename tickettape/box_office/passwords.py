"""Passwords of users: argon2id. Hashes of bcrypt are accepted, and replaced when their user logs in."""

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()
_LONGEST_OF_BCRYPT = 72  # bytes: it ignored what came after, and the library refuses it


def hash_password(password: str) -> str:
    """A hash to store."""
    return _HASHER.hash(password)


def check_password(password: str, stored: str) -> tuple[bool, str | None]:
    """Whether the password is right, and a new hash if the stored one should be replaced."""
    if stored.startswith("$2"):
        right = bcrypt.checkpw(password.encode()[:_LONGEST_OF_BCRYPT], stored.encode())
        return right, hash_password(password) if right else None
    try:
        _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False, None
    return True, hash_password(password) if _HASHER.check_needs_rehash(stored) else None
