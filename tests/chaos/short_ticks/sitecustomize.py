"""On the PYTHONPATH of a program, this lets it tick every 3 minutes. Requirements allow 10 at least (R-068)."""

from tickettape.settings import marketplaces

marketplaces.INTERVALS_MINUTES = (3, *marketplaces.INTERVALS_MINUTES)  # type: ignore[assignment]
