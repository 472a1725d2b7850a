// Times as people at a venue say them, and the instants that they are.

export const ZONES = [...new Set([...Intl.supportedValuesOf("timeZone"), "UTC"])];
export const OWN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/**
 * The instant, in ISO 8601, of a local time "2026-12-04T19:30" in a zone. One that a change of clocks skips is an hour
 * later.
 */
export function instantOf(local, zone) {
  const asUTC = Date.parse(`${local}Z`);
  const once = asUTC - offsetOf(asUTC, zone),
    twice = asUTC - offsetOf(once, zone);
  return new Date(twice).toISOString();
}

/** How far a zone is ahead of UTC at an instant, in milliseconds. */
function offsetOf(instant, zone) {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat("en", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    })
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  return (
    Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) -
    Math.floor(instant / 1000) * 1000
  );
}
