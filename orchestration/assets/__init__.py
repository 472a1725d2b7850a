"""The steps of a tick, thin: what each reads, what it writes, what it says about it.

events → captures → section_snapshots → the dbt models. Each reads what the one before wrote in Postgres, so
each can be run again alone.
"""
