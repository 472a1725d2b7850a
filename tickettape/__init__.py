"""The core of Tickettape: everything but Dagster (`orchestration`) and HTTP (`serving`). One room a folder."""
