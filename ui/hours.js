/**
 * Opening hours as people type them, and as the program keeps them. Pure.
 *
 * @import { HoursView } from "./types.d.ts"
 */

import { clock, midnight } from "./format.js";
import { LANGUAGE, t } from "./words.js";

/** Days of a week, Monday first, by their full names. */
export const WEEKDAYS = [0, 1, 2, 3, 4, 5, 6].map((day) => {
  // The first of June 2026 is a Monday.
  return new Intl.DateTimeFormat(`${LANGUAGE}-GB`, { weekday: "long", timeZone: "UTC" }).format(Date.UTC(2026, 5, 1 + day));
});

/** What is filled in where nothing was said yet. */
export const USUAL = [...Array(6).fill("08:00-20:00"), ""];

/** Spans of one day; the program takes no more. */
const MOST = 8;

/**
 * The spans of a day: "8-12, 14.00–18:30", or nothing where it is closed.
 *
 * @param {string} typed
 * @returns {string | null} "08:00-12:00, 14:00-18:30"; null where it cannot be read
 */
export function readSpans(typed) {
  const words = typed.trim().toLowerCase();
  if (words === "" || words === t("page.hours.closed").toLowerCase()) return "";
  const spans = words.split(/[,;]/).map(readSpan);
  return spans.length <= MOST && !spans.includes(null) ? spans.join(", ") : null;
}

/** @param {string} words */
function readSpan(words) {
  const [from, to, ...more] = words.split(/[-–—]/).map(readTime);
  return from && to && more.length === 0 && from !== to && from !== "24:00" ? `${from}-${to}` : null;
}

/** @param {string} words */
function readTime(words) {
  const found = /^\s*(\d{1,2})(?:[:.h](\d{2}))?\s*$/.exec(words);
  const [hour, minute] = [Number(found?.[1] ?? NaN), Number(found?.[2] ?? 0)];
  if (!(minute <= 59 && hour * 60 + minute <= 24 * 60)) return null;
  return `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
}

/**
 * Whether the shop is open, in words: "Open now, until 20:00."
 *
 * @param {HoursView | null} hours
 * @param {number} now
 */
export function standingHours(hours, now) {
  if (hours === null) return "";
  if (hours.until === null) return hours.open ? t("page.hours.always") : t("page.hours.never");
  const until = when(hours.until, now);
  return hours.open ? t("page.hours.open", { until }) : t("page.hours.shut", { until });
}

/** "20:00", and on another day "Monday 08:00". @param {number} at @param {number} now */
function when(at, now) {
  if (midnight(at) === midnight(now)) return clock(at);
  const day = new Intl.DateTimeFormat(`${LANGUAGE}-GB`, { weekday: "long" }).format(at);
  return t("page.hours.when", { day, time: clock(at) });
}
