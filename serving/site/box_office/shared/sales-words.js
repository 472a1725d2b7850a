// What a promoter's pages call things.

import { NOTHING } from "../../shared/words.js";

export const STATUS = {
  draft: "Draft",
  on_sale: "On sale",
  off_sale: "Off sale",
  cancelled: "Cancelled",
  ended: "Ended",
};

const percent = new Intl.NumberFormat(navigator.languages, { style: "percent", maximumFractionDigits: 1 });

/** A part of a whole: 42.5%. */
export const part = (value) => (value === null ? NOTHING : percent.format(value));
