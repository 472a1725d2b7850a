"""Dagster, and nothing else: assets, checks, jobs, schedules, sensors, and how dbt is called.

`definitions` is what Dagster loads. What the steps do stands in `tickettape`; nothing imports `assets` but
`definitions`, what tests them, and the schedules and sensors that name them.
"""

CONSOLE_MARK = "tickettape: "
"""How a line begins that is for the person at the console. Of other lines `make dev` shows only what is wrong."""
