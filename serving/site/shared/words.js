// Numbers, money, moments and ages as the reader's language and time zone write them.

import { html } from "./dom.js";

const MINUTE = 60_000;
export const HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const LOCALE = navigator.languages; // the reader's, in the order of preference

export const NOTHING = "–"; // for a value that is not known

const number = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(LOCALE, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: "exceptZero" });

const part = new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 0 });

export const count = (value) => (value === null ? NOTHING : number.format(value));

/** A share with its sign: +4.2%. */
export const share = (value) => (value === null ? NOTHING : percent.format(value));

/** A share of a whole: 42%. */
export const plainShare = (value) => (value === null ? NOTHING : part.format(value));

const formats = new Map();
function inCurrency(currency, options) {
  const name = currency + JSON.stringify(options);
  if (!formats.has(name)) {
    const style = currency ? { style: "currency", currency, currencyDisplay: "narrowSymbol" } : {};
    formats.set(name, new Intl.NumberFormat(LOCALE, { ...style, ...options }));
  }
  return formats.get(name);
}

/** Money to the cent, or to the smallest unit that the currency has. `currency` null: not known yet, a bare number. */
export function money(value, currency) {
  const cents = currency ? {} : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return value === null ? NOTHING : inCurrency(currency, cents).format(value);
}

/** Money without cents, for axes and large columns. */
export function wholeMoney(value, currency) {
  return value === null ? NOTHING : inCurrency(currency, { maximumFractionDigits: 0 }).format(value);
}

/** A change of a price, with its sign. */
export function moneyChange(value, currency) {
  const options = { minimumFractionDigits: 2, maximumFractionDigits: 2, signDisplay: "exceptZero" };
  return value === null ? NOTHING : inCurrency(currency, options).format(value);
}

/** A format of moments, in a time zone or else in the reader's own. */
export const moments = (options, zone) => new Intl.DateTimeFormat(LOCALE, { timeZone: zone, ...options });
export const DATE = { weekday: "short", day: "numeric", month: "short", year: "numeric" };
export const TIME = { hour: "numeric", minute: "2-digit" };
const inUTC = moments({ ...DATE, ...TIME, timeZoneName: "short" }, "UTC");
const here = moments({ ...DATE, ...TIME });

/** A moment of the reader's own time zone: "Fri, Dec 4, 2026, 7:00 PM". */
export const hereInWords = (instant) => here.format(new Date(instant));

/** A moment in UTC, which says so. */
const utcInWords = (instant) => inUTC.format(new Date(instant));

/**
 * When an event begins, at its venue: a <time>. UTC is its title, for hovering. An event has `date`, `date_status` and
 * `venue_time_zone`; where the zone is not known, UTC is shown and said. `lines`: the time below the day.
 */
export function dateAtVenue({ date, date_status: status, venue_time_zone: zone }, { lines = false } = {}) {
  if (!date) return html("span", { textContent: status === "postponed" ? "Postponed" : "Date to be announced" });
  const day = moments(DATE, zone ?? "UTC").format(new Date(date));
  const hour = moments({ ...TIME, ...(zone ? {} : { timeZoneName: "short" }) }, zone ?? "UTC").format(new Date(date));
  const more = { known: hour, time_tbd: "time to be announced", date_tbd: "to be confirmed", postponed: "postponed" }[status];
  return html("time", { dateTime: new Date(date).toISOString(), title: status === "known" ? utcInWords(date) : "" },
    day, ...(lines ? [" ", html("small", { textContent: more })] : [`, ${more}`]));
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "long" });
const shortly = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "narrow" });

/** How long ago: "5 minutes ago"; with `short`: "5min ago". */
function ago(instant, { short = false } = {}) {
  const past = Math.max(0, Date.now() - Date.parse(instant));
  const [size, unit] = past < 2 * HOUR ? [MINUTE, "minute"] : past < 2 * DAY ? [HOUR, "hour"] : [DAY, "day"];
  return (short ? shortly : relative).format(-Math.round(past / size), unit);
}

/** How long ago, as a <time>: the moment is its title, in the reader's zone and in UTC. It is kept true. */
export function age(instant, options = {}) {
  return html("time", {
    dateTime: new Date(instant).toISOString(),
    title: `${hereInWords(instant)} (${utcInWords(instant)})`,
    textContent: ago(instant, options),
    className: options.short ? "age short" : "age",
  });
}

setInterval(() => {
  for (const one of document.querySelectorAll("time.age")) {
    const words = ago(one.dateTime, { short: one.classList.contains("short") });
    if (one.textContent !== words) one.textContent = words;
  }
}, MINUTE / 2);
