// The time of day at a venue, in the words of the reader's language.

import { DATE, DAY, HOUR, moments, TIME } from "../shared/words.js";

/** What the clocks of a time zone show. `zone` null: it is not known, so they show UTC. */
export class Clock {
  #offsets = new Map(); // of hours since the epoch, because a chart asks for the same ones again and again
  #written = new Map();

  constructor(zone) {
    this.zone = zone ?? "UTC";
    const inZone = (options, zone = this.zone) => moments(options, zone);
    this.brief = inZone({ day: "numeric", month: "short", hour: "numeric" });
    this.words = { hour: inZone({ ...DATE, ...TIME }), day: inZone(DATE, "UTC") };
    this.labels = {
      hour: inZone({ hour: "numeric" }), date: inZone({ day: "numeric", month: "short" }),
      day: inZone({ day: "numeric", month: "short" }, "UTC"),
    };
    this.dates = inZone({ day: "numeric", month: "short", year: "numeric" }, "UTC");
    this.utc = inZone({ ...DATE, ...TIME, timeZoneName: "short" }, "UTC");
    this.short = inZone({ timeZoneName: "short" });
    this.numbers = new Intl.DateTimeFormat("en-US", { timeZone: this.zone, hourCycle: "h23", year: "numeric",
      month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
  }

  /** A moment in words. Where points are `step` = a day apart, it is a day of UTC, as in the API. */
  inWords(at, step = HOUR) {
    return step < DAY ? this.#once("hour", at, this.words.hour) : this.#once("day", at, this.words.day);
  }

  /** A moment of the last days, without year and minute; `step` as above. */
  shortly(at, step = HOUR) {
    return step < DAY ? this.brief.format(at) : this.labels.day.format(at);
  }

  inUTC(at) {
    return this.#once("utc", at, this.utc);
  }

  /** The zone's short name at a moment: CST, GMT+1. */
  name(at) {
    return this.short.formatToParts(at).find((part) => part.type === "timeZoneName").value;
  }

  /** Milliseconds since a Monday's midnight at the venue, to find full hours, days and weeks with. */
  sinceMonday(at) {
    return at + this.#offset(at) - 4 * DAY; // the epoch was a Thursday
  }

  /** The moment at which a date, such as 2026-11-21, begins at the venue. */
  beginOf(date) {
    const there = Date.parse(`${date}T00:00Z`);
    const near = there - this.#offset(there);
    return there - this.#offset(near);
  }

  /** A date, such as 2026-11-21, in words. */
  dateInWords(date) {
    const at = Date.parse(`${date}T00:00Z`);
    return Number.isNaN(at) ? date : this.dates.format(at);
  }

  /** How many midnights of the venue lie between two moments. */
  daysBetween(from, to) {
    return Math.round((Date.parse(this.dateOf(to)) - Date.parse(this.dateOf(from))) / DAY);
  }

  /** The date at the venue: 2026-11-21. */
  dateOf(at) {
    return new Date(at + this.#offset(at)).toISOString().slice(0, 10);
  }

  /** What a format makes of a moment: all charts of a page write the same moments. */
  #once(name, at, format) {
    const key = `${name}${at}`;
    if (!this.#written.has(key)) this.#written.set(key, format.format(at));
    return this.#written.get(key);
  }

  #offset(at) {
    const hour = Math.floor(at / HOUR);
    if (!this.#offsets.has(hour)) {
      const start = hour * HOUR, part = {};
      for (const { type, value } of this.numbers.formatToParts(start)) part[type] = Number(value);
      const there = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second);
      this.#offsets.set(hour, there - start);
    }
    return this.#offsets.get(hour);
  }
}
