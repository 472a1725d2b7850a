"""Lets dbt find the type `tickettape` of profiles.yml; installed as `dbt.adapters.tickettape`."""

from tickettape.rollups.dbt_profile import Plugin as Plugin
