"""Forecasts of get-in prices and listing counts, with the record of how right they were.

Rules of the method, its tables and its evaluation. What is shown of them is in `dbt_project/models/marts/forecasts` and
`api_schema`; what starts them is in `orchestration/assets/forecasts.py`.
"""

from tickettape.forecasts.backtest import run_backtest, scratch_tables
from tickettape.forecasts.nightly import Refit, after_tick, measures, origin_of, ready, refit
from tickettape.forecasts.report import write_report

__all__ = [
    "Refit",
    "after_tick",
    "measures",
    "origin_of",
    "ready",
    "refit",
    "run_backtest",
    "scratch_tables",
    "write_report",
]
