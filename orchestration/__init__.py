"""Tickettape: watches ticket markets and keeps an exact history of their prices.

`definitions` is what Dagster loads. `marketplaces` knows HTTP, `warehouse` knows SQL, `metrics` knows
neither; `assets` brings them together, and nothing imports `assets` but `definitions`.
"""
