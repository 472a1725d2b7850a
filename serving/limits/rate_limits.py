"""The limit of requests per minute for each API key, shared by all server processes through the database.

A process leases a share of the requests that a key has left in this minute, so that not every request needs a write.
Requests that are leased and not used are lost at the end of the minute. So several processes may refuse a little too
early, but never let too many through.
"""

import asyncio
import math
from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic
from weakref import WeakValueDictionary

import psycopg
from psycopg_pool import PoolTimeout

from serving.database import Database
from serving.limits.unknown_keys import UnknownKeys
from serving.responses.problems import Problem
from tickettape.settings import Settings

LEARN_SECONDS = 5  # between two attempts
MOST_KEYS = 10_000  # leases that a process remembers; the least recently used go first


@dataclass
class KeyLease:
    """The requests that this process may still let through in this minute. Times are monotonic seconds."""

    left: int
    unleased: int
    most: int
    ends_at: float
    resets_at: float  # later than ends_at by the round trip to the database: a client that waits is never too early

    def headers(self) -> dict[str, str]:
        """The RateLimit headers of the response."""
        return {
            "ratelimit-limit": str(self.most),
            "ratelimit-remaining": str(self.left + self.unleased),
            "ratelimit-reset": str(max(1, math.ceil(self.resets_at - monotonic()))),
        }


_NO_LEASE = KeyLease(left=0, unleased=0, most=0, ends_at=-math.inf, resets_at=-math.inf)


class KeyRateLimits:
    """The leases of one process."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._requests_per_minute = settings.key_requests_per_minute
        self._unknown = UnknownKeys(settings.unknown_keys_per_minute)
        self._leases: OrderedDict[bytes, KeyLease] = OrderedDict()
        self._leasing: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def learn(self) -> None:
        """Learn which keys exist, so that a flood of unknown ones after a restart does not keep them out."""
        known = await self._database.run(
            """select key_sha256 from access.api_keys where revoked_at is null
               order by last_used_at desc nulls last limit %(most)s""",
            {"most": MOST_KEYS},
        )
        for (key_sha256,) in reversed(known):
            self._leases.setdefault(key_sha256, _NO_LEASE)

    async def keep_learning(self) -> None:
        """Learn as soon as the database answers."""
        while True:
            try:
                await self.learn()
            except (psycopg.Error, PoolTimeout):
                await asyncio.sleep(LEARN_SECONDS)
            else:
                return

    async def admit(self, key_sha256: bytes, address: str) -> KeyLease:
        """Count one request. Raises Problem 401 for an invalid key, 429 if no request is left in this minute."""
        lease = self._lease_of(key_sha256)
        if lease is None:
            async with self._leasing.setdefault(key_sha256, asyncio.Lock()):
                lease = self._lease_of(key_sha256) or await self._renew(key_sha256, address)
        if not lease.left:
            headers = lease.headers()
            raise Problem(
                429,
                f"This key is limited to {lease.most} requests per minute. Try again in {headers['ratelimit-reset']} "
                "s.",
                headers=headers | {"retry-after": headers["ratelimit-reset"]},
            )
        lease.left -= 1
        return lease

    def _lease_of(self, key_sha256: bytes) -> KeyLease | None:
        lease = self._leases.get(key_sha256)
        if lease is None or lease.ends_at <= monotonic() or (not lease.left and lease.unleased):
            return None
        self._leases.move_to_end(key_sha256)
        return lease

    async def _renew(self, key_sha256: bytes, address: str) -> KeyLease:
        known = key_sha256 in self._leases
        if not known:
            self._unknown.before_lookup(key_sha256, address)
        asked = monotonic()
        exists = True
        try:
            (row,) = await self._database.run(
                "select granted, leased, most, seconds_left from access.lease(%(key)s, %(most)s)",
                {"key": key_sha256, "most": self._requests_per_minute},
            )
            granted, leased, most, seconds_left = row
            exists = most is not None
        finally:
            if not known and exists:  # or nobody knows, because the database cannot answer
                self._unknown.forget_lookup(address)
        if not exists:
            self._leases.pop(key_sha256, None)
            raise self._unknown.refuse(key_sha256)
        lease = KeyLease(granted, most - leased, most, asked + float(seconds_left), monotonic() + float(seconds_left))
        self._leases[key_sha256] = lease
        if len(self._leases) > MOST_KEYS:
            self._leases.popitem(last=False)
        return lease
