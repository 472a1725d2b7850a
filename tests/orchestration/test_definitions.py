"""The program as Dagster loads it: `dagster dev` shows nothing at all where two of its names collide."""

from orchestration.definitions import defs


def test_every_job_sensor_and_asset_loads_together() -> None:
    repository = defs.get_repository_def()
    repository.load_all_definitions()
    assert {"tick", "nightly_audit", "archive"} <= {job.name for job in repository.get_all_jobs()}
