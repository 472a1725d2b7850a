// A time that runs out, by the service's clock: it said how many seconds were left when it answered.

import { html } from "../../shared/dom.js";
import { timeLeft, timeLeftSpoken } from "./words.js";

const SPOKEN = [120, 60, 30, 10]; // when so many seconds are left, they are read out
const SOON = 60; // seconds, for the style

/** `ended()` is called once when the time is over. The element is `place`. */
export class Countdown {
  constructor(label, secondsLeft, ended) {
    this.end = performance.now() + secondsLeft * 1000;
    this.clock = html("span", { className: "clock", role: "timer" });
    this.clock.ariaLive = "off"; // not each second
    this.spoken = html("span", { className: "hidden-text", role: "status" });
    this.place = html("p", { className: "countdown" }, `${label} `, this.clock, this.spoken);
    this.ended = ended;
    this.last = Infinity;
    this.timer = setInterval(() => this.#tick(), 250);
    this.#tick();
  }

  stop() {
    clearInterval(this.timer);
  }

  #tick() {
    const left = (this.end - performance.now()) / 1000,
      words = timeLeft(left);
    if (this.clock.textContent !== words) this.clock.textContent = words;
    this.place.classList.toggle("soon", left < SOON);
    const due = SPOKEN.find((one) => left <= one && one < this.last);
    if (due && this.last !== Infinity) this.spoken.textContent = `${timeLeftSpoken(left)} left`;
    this.last = Math.min(this.last, left);
    if (left > 0) return;
    this.stop();
    this.ended();
  }
}
