// What the pages of the box office say about events, seats and times that run out.

import { html } from "../../shared/dom.js";
import { count, dateAtVenue, moments, TIME } from "../../shared/words.js";

/** When an event begins, at its venue: a <time>. */
export const whenOf = ({ start_time: date, venue_time_zone }) =>
  dateAtVenue({ date, date_status: "known", venue_time_zone });

/** An event's venue, city and country. */
export const whereOf = ({ venue, city, country }) => [venue, city, country].filter(Boolean).join(", ");

/** When the doors open, at the venue, or nothing. */
export function doorsOf({ doors_open_time: doors, venue_time_zone: zone }) {
  if (!doors) return "";
  const time = moments(zone ? TIME : { ...TIME, timeZoneName: "short" }, zone ?? "UTC");
  return `Doors open at ${time.format(new Date(doors))}`;
}

export const counted = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
export const tickets = (number) => counted(number, "ticket");

/** A seat or a tier, as a ticket names it. Of an event that was archived, the seat is not known here any more. */
export function placeOf({ tier, section, row, row_number: rowNumber, seat, seat_number: seatNumber }) {
  if (!tier && !section) return "Seat";
  return tier ?? `Section ${section}, row ${row ?? rowNumber}, seat ${seat ?? seatNumber}`;
}

/** Seats in few words: "Section S01, row 3, seats 4–6 and 9; …". */
export function seatsInWords(seats) {
  const rows = Map.groupBy(seats, (one) => `Section ${one.section}, row ${one.row_number ?? one.row}`);
  return [...rows]
    .map(([row, ofRow]) => {
      const numbers = ofRow.map((one) => String(one.seat_number ?? one.seat));
      return `${row}, ${numbers.length === 1 ? "seat" : "seats"} ${listed(runs(numbers))}`;
    })
    .join("; ");
}

/** 4, 5, 6, 9 as 4–6, 9. */
function runs(names) {
  const numbers = names.map(Number);
  if (numbers.some(Number.isNaN)) return names;
  const found = [];
  for (const number of numbers.sort((a, b) => a - b))
    if (number === found.at(-1)?.[1] + 1) found.at(-1)[1] = number;
    else found.push([number, number]);
  return found.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`));
}

const listed = (words) => new Intl.ListFormat("en", { type: "conjunction" }).format(words);

/** Minutes and seconds, or hours and minutes: 4:07, 23 h 59 min. */
export function timeLeft(seconds) {
  const whole = Math.max(0, Math.ceil(seconds)),
    hours = Math.floor(whole / 3600),
    minutes = Math.floor(whole / 60) % 60;
  if (hours) return `${hours} h ${minutes} min`;
  return `${minutes}:${String(whole % 60).padStart(2, "0")}`;
}

/** A time that is left, as it is read out. */
export function timeLeftSpoken(seconds) {
  if (seconds >= 90) return counted(Math.round(seconds / 60), "minute");
  return counted(Math.ceil(seconds), "second");
}

/** An <option>. */
export const option = (value, text, selected = false) => html("option", { value, textContent: text, selected });
