"""All that needs Dagster: assets, checks, jobs, schedules, sensors, and how dbt is called.

Dagster loads `definitions`. The work of each step is in `tickettape`. Outside the folder `assets`, only `definitions`,
the jobs and the checks import its modules.
"""

import sys

CONSOLE_MARK = "tickettape: "
"""The beginning of each line that is for the person at the console. Of all other lines, `make dev` shows only warnings
and errors."""


def tell(text: str) -> None:
    """Write a line for the person at the console, also while `output_to` sends everything else to a file."""
    console = sys.__stderr__ or sys.stderr
    console.write(f"{CONSOLE_MARK}{text}\n")
    console.flush()
