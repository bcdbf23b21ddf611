/**
 * Times, durations and foreign text as words. Everything here is pure: the present is a parameter.
 */

import { LANGUAGE, count, t } from "./words.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Dates in the language of the words; 24 hours, as in the tray and the notifications. */
const dates = `${LANGUAGE}-GB`;
const hourCycle = "h23";
const minutes = new Intl.DateTimeFormat(dates, { hour: "2-digit", minute: "2-digit", hourCycle });
const seconds = new Intl.DateTimeFormat(dates, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle });
const days = new Intl.DateTimeFormat(dates, { weekday: "long", day: "numeric", month: "long" });
const longDays = new Intl.DateTimeFormat(dates, { day: "numeric", month: "long", year: "numeric" });
const shortDays = new Intl.DateTimeFormat(dates, { day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat(dates, { dateStyle: "full", timeStyle: "medium", hourCycle });

/** 14:02 @param {number} at */
export const clock = (at) => minutes.format(at);

/** 14:02:11 @param {number} at */
export const exactClock = (at) => seconds.format(at);

/** 21 November 2025 @param {number} at */
export const date = (at) => longDays.format(at);

/** The whole of it, for a tooltip. @param {number} at */
export const fullTime = (at) => whole.format(at);

/**
 * The day of a moment: "Today", "Yesterday", "Friday 14 November".
 *
 * @param {number} at
 * @param {number} now
 */
export function day(at, now) {
  const start = midnight(now);
  if (at >= start) return t("page.day.today");
  if (at >= midnight(start - 1)) return t("page.day.yesterday");
  return days.format(at);
}

/**
 * A time by its days and hours: "Saturday 28 November", "Saturday 28 November, 14:00 to 15:00", "1 November 2026 to 30 November
 * 2026". The year is said where it is another.
 *
 * @param {number} from
 * @param {number} to the moment after it
 * @param {number} now
 */
export function time(from, to, now) {
  const year = new Date(from).getFullYear();
  const name = year === new Date(now).getFullYear() ? days.format(from) : `${days.format(from)} ${year}`;
  const next = new Date(midnight(from));
  next.setDate(next.getDate() + 1);
  if (to > next.getTime()) return t("page.time.span", { from: date(from), to: date(to - 1) });
  if (from === midnight(from) && to === next.getTime()) return name;
  return t("page.time.hours", { day: name, from: clock(from), to: clock(to) });
}

/**
 * A moment of another day than the one it stands under: "14 Nov, 22:10".
 *
 * @param {number} at
 */
export const dated = (at) => t("page.moment.date", { date: shortDays.format(at), time: clock(at) });

/**
 * A moment in the past, as short as it can be: "13:10", "yesterday 22:10", "14 Nov 22:10".
 *
 * @param {number} at
 * @param {number} now
 */
export function moment(at, now) {
  const start = midnight(now);
  if (at >= start) return clock(at);
  if (at >= midnight(start - 1)) return t("page.moment.yesterday", { time: clock(at) });
  return dated(at);
}

/**
 * The start of the local day that holds a moment.
 *
 * @param {number} at
 */
export function midnight(at) {
  return new Date(at).setHours(0, 0, 0, 0);
}

/**
 * How long something takes or took: "38 s", "4 min", "1 h 12 min", "3 days".
 *
 * @param {number} length milliseconds
 */
export function duration(length) {
  if (length < MINUTE) return t("page.duration.seconds", { n: Math.max(0, Math.floor(length / SECOND)) });
  if (length < HOUR) return t("page.duration.minutes", { n: Math.floor(length / MINUTE) });
  if (length >= 2 * DAY) return count("page.duration.days", Math.floor(length / DAY));
  const rest = Math.floor((length % HOUR) / MINUTE);
  const n = Math.floor(length / HOUR);
  return rest === 0 ? t("page.duration.hours", { n }) : t("page.duration.hours_minutes", { n, rest });
}

/**
 * A delay, where tenths matter while it is short: "0.6 s", "12 s", "4 min".
 *
 * @param {number} length milliseconds
 */
export function delay(length) {
  if (length >= 10 * SECOND) return duration(length);
  return t("page.duration.seconds", { n: (Math.round(length / 100) / 10).toLocaleString(LANGUAGE) });
}

/**
 * What something took, as a delay that is more than nothing: "under 0.1 s".
 *
 * @param {number} length milliseconds
 */
export function took(length) {
  return length < 50 ? t("page.duration.under") : delay(length);
}

/**
 * What comes after a moment, as a delay: "+0.6 s". A clock that is a little behind counts as no delay.
 *
 * @param {number} length milliseconds
 */
export function later(length) {
  return t("page.duration.later", { delay: delay(Math.max(0, length)) });
}

/**
 * How long ago: "just now", "4 s ago", "12 min ago". A moment slightly in the future counts as now.
 *
 * @param {number} at
 * @param {number} now
 */
export function ago(at, now) {
  if (now - at < SECOND) return t("page.ago.now");
  return t("page.ago.past", { duration: duration(now - at) });
}

/**
 * What is left until a moment: "12 s". Never below zero.
 *
 * @param {number} at
 * @param {number} now
 */
export function left(at, now) {
  return duration(Math.ceil(Math.max(0, at - now) / SECOND) * SECOND);
}

/**
 * Text that came from elsewhere, made fit to be shown in a line: without control characters, direction overrides and
 * heaps of combining marks, whole characters only, and no longer than `most`.
 *
 * @param {string} text
 * @param {number} [most]
 */
export function plain(text, most = 200) {
  const clean = text
    .slice(0, most * 8)
    .toWellFormed()
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ")
    .replace(/[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffd]/g, "")
    .replace(/(\p{M}{3})\p{M}+/gu, "$1")
    .trim();
  const characters = Array.from(clean);
  return characters.length <= most ? clean : `${characters.slice(0, most - 1).join("").trimEnd()}…`;
}
