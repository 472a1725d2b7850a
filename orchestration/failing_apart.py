"""Work whose failure does not fail its tick: a check warns instead."""

from collections.abc import Callable, Mapping

import dagster as dg

from tickettape.database import refusal_of


def failing_apart(
    context: dg.AssetExecutionContext,
    check_name: str,
    work: Callable[[], Mapping[str, int | float | str]],
    *,
    failed: str,
    then: str,
) -> dg.MaterializeResult[None]:
    """The result of an asset and its check. `work` returns the metadata; whatever it raises is logged, and the check
    warns.

    `failed`: a sentence for the log. `then`: a sentence that says what follows from the failure.
    """
    try:
        metadata, why = work(), None
    except Exception as error:  # the prices are there, and the tick must not fail
        context.log.exception(failed)
        refusal = refusal_of(error)
        reason = refusal.in_short if refusal else f"{type(error).__name__}: {error}"
        metadata, why = {"failed": reason}, f"{reason} The run's log has the error. {then}"
    return dg.MaterializeResult(
        metadata=metadata,
        check_results=[
            dg.AssetCheckResult(
                check_name=check_name, passed=why is None, severity=dg.AssetCheckSeverity.WARN, description=why
            )
        ],
    )
