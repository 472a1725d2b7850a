"""Run one live tick of the simulator in its own process: `python -m bench.live_tick TICK`. Exit code 0: success."""

import sys
from datetime import datetime

from orchestration.definitions import defs
from orchestration.instance import HOST_TAG, open_instance
from orchestration.partitions import partition_of
from orchestration.run_plan import SOURCE_TAG, TICK_TAG
from orchestration.schedule_lease import host_name


def main() -> None:
    """Run the job that the schedule runs."""
    tick = datetime.fromisoformat(sys.argv[1])
    with open_instance() as instance:
        result = defs.resolve_job_def("tick").execute_in_process(
            instance=instance,
            partition_key=partition_of(tick),
            tags={TICK_TAG: tick.isoformat(), SOURCE_TAG: "simulator", HOST_TAG: host_name()},
            run_config={"loggers": {"console": {"config": {"log_level": "WARNING"}}}},
            raise_on_error=False,
        )
    sys.exit(0 if result.success else 1)


if __name__ == "__main__":
    main()
