/**
 * The report as data: which time it is about, what its numbers amount to, and its rows. Pure: the
 * present is a parameter.
 *
 * @import { Gap, LedgerEntry, Report, ReportQuery, StatusView } from "./types.d.ts"
 * @import { Period } from "./state.js"
 */

import { midnight } from "./format.js";

/** How many days each period has, today among them. */
const DAYS = /** @type {Record<Exclude<Period, "range">, number>} */ ({ today: 1, week: 7, month: 30 });

/**
 * What can be said about a report at once.
 *
 * - `lost`: rows of the server's record are not here.
 * - `gap`: of some time it is not certain that every alert is here.
 * - `pending`: what came last cannot be known yet.
 * - `whole`: nothing is missing.
 *
 * @typedef {"lost" | "gap" | "pending" | "whole"} Verdict
 */

/**
 * The time of a period: whole days, from this midnight, before that one. A range is what the person says: none.
 *
 * @param {Period} period
 * @param {number} now
 * @returns {ReportQuery | null}
 */
export function timeOf(period, now) {
  if (period === "range") return null;
  return { from: dayAfter(now, 1 - DAYS[period]), to: dayAfter(now, 1) };
}

/**
 * The time from one day to another, both included; none if the first is later.
 *
 * @param {number | null} first
 * @param {number | null} last
 * @returns {ReportQuery | null}
 */
export function timeBetween(first, last) {
  if (first === null || last === null || first > last) return null;
  return { from: midnight(first), to: dayAfter(last, 1) };
}

/**
 * The midnight some days after the day of a moment, or before it.
 *
 * @param {number} at
 * @param {number} days
 */
export function dayAfter(at, days) {
  const date = new Date(at);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
}

/**
 * A day as a date field holds it, or as somebody types it where there is no such field: 2025-11-21, 21.11.2025,
 * 21/11/2025.
 *
 * @param {string} typed
 * @returns {number | null} its midnight
 */
export function readDay(typed) {
  const found =
    /^\s*(?<year>\d{4})-(?<month>\d{1,2})-(?<day>\d{1,2})\s*$/.exec(typed) ??
    /^\s*(?<day>\d{1,2})[./](?<month>\d{1,2})[./](?<year>\d{4})\s*$/.exec(typed);
  if (!found?.groups) return null;
  const [year = 0, month = 0, day = 0] = [found.groups["year"], found.groups["month"], found.groups["day"]].map(Number);
  const date = new Date(year, month - 1, day);
  const same = date.getFullYear() === year && date.getMonth() === month - 1 && date.getDate() === day;
  return same && year >= 1970 ? date.getTime() : null;
}

/** A day as a date field holds it. @param {number} at */
export function writeDay(at) {
  const date = new Date(at);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/**
 * A time of day as a time field holds it, or as somebody types it where there is no such field: 09:00, 9:00, 9.00, 9.
 *
 * @param {string} typed
 * @returns {string | null} "09:00"
 */
export function readTime(typed) {
  const found = /^\s*(\d{1,2})(?:[:.h](\d{2}))?\s*$/.exec(typed);
  const [hour, minute] = [Number(found?.[1] ?? NaN), Number(found?.[2] ?? 0)];
  if (!(hour <= 23 && minute <= 59)) return null;
  return `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
}

/**
 * @param {Report} report
 * @param {StatusView | null} status
 * @param {number} now
 * @returns {Verdict}
 */
export function verdictOf(report, status, now) {
  if (report.lost > 0) return "lost";
  if (standing(report).length > 0) return "gap";
  const open = report.outages.some((outage) => outage.to === null);
  return open || (report.to > now && status?.status !== "protected") ? "pending" : "whole";
}

/** The gaps that nothing has filled yet. @param {Report} report @returns {Gap[]} */
export function standing(report) {
  return report.gaps.filter((gap) => !gap.filled);
}

/**
 * A row of the ledger: a day's name, or an alert of that day.
 *
 * @typedef {{ key: string, day: number, entry: LedgerEntry | null }} LedgerRow
 */

/**
 * The ledger's rows in their order, each day announced above its first alert.
 *
 * @param {readonly LedgerEntry[]} entries
 * @returns {LedgerRow[]}
 */
export function ledgerRows(entries) {
  const rows = /** @type {LedgerRow[]} */ ([]);
  for (const entry of entries) {
    const day = midnight(beganAt(entry));
    if (rows.at(-1)?.day !== day) rows.push({ key: `day-${day}-${rows.length}`, day, entry: null });
    rows.push({ key: `alert-${entry.alert}`, day, entry });
  }
  return rows;
}

/** A delay beyond this says that a clock is wrong, not that the alert was slow. */
const BELIEVABLE = 7 * 24 * 3_600_000;

/** @typedef {{ detected_at: number | null, detected_here: number | null, received_at: number }} Times */

/** When an alert was detected, by this computer's clock if possible, or came where that is not known. @param {Times} alert */
export function beganAt({ detected_here, detected_at, received_at }) {
  return detected_here ?? detected_at ?? received_at;
}

/** How long an alert took to come; null where the two clocks cannot be compared. @param {Times} alert */
export function delayOf({ detected_here, received_at }) {
  const late = detected_here === null ? -1 : received_at - detected_here;
  return late >= 0 && late < BELIEVABLE ? late : null;
}
