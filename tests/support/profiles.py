"""How long property and race tests run: a fixed small count in `make test`, many more in `make test-long`.

In `make test` the examples are the same each time: a test that passes there passes again.
"""

import os

from hypothesis import settings

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
ROUNDS = 20 if LONG else 1  # of a race: its waits are injected, so that one round shows what it shows

settings.register_profile("short", max_examples=25, derandomize=True, deadline=None, database=None)
settings.register_profile("long", max_examples=2_000, deadline=None, database=None, print_blob=True)
settings.load_profile("long" if LONG else "short")
