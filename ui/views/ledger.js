/**
 * The ledger's rows: one alert each, with the time of every stage that it reached.
 *
 * @import { LedgerEntry, Report } from "../types.d.ts"
 */

import { attribute, clone, icon, keyed, part, show, text } from "../dom.js";
import { day, exactClock, fullTime, later, plain } from "../format.js";
import { beganAt, ledgerRows } from "../ledger.js";
import { count, t } from "../words.js";
import { SEVERITY, SOURCE } from "./terms.js";

/** The stages after the detection, in their order, and what is said where one was not reached. */
const STAGES = /** @type {const} */ ([
  { name: "received", label: "page.ledger.received", without: null },
  { name: "stored", label: "page.ledger.stored", without: null },
  { name: "notified", label: "page.ledger.notified", without: "page.ledger.not_notified" },
  { name: "seen", label: "page.ledger.seen", without: "page.ledger.not_yet" },
  { name: "acted", label: "page.ledger.acted", without: "page.ledger.not_yet" },
]);

/**
 * @param {HTMLElement} root
 * @param {Report} report
 * @param {number} now
 */
export function paintLedger(root, report, now) {
  const { entries } = report;
  const table = part(root, "ledger");
  show(table, entries.length > 0);
  text(part(root, "ledger-note"), ledgerNote(report));
  show(part(root, "ledger-note"), ledgerNote(report) !== "");
  keyed(
    part(table, "ledger-rows"),
    ledgerRows(entries),
    ({ key }) => key,
    ({ entry }) => clone(entry ? "ledger-row" : "ledger-day"),
    (row, { day: at, entry }) => (entry ? paintEntry(row, entry) : text(part(row, "day"), day(at, now))),
  );
}

/** @param {Report} report */
function ledgerNote({ alerts, entries }) {
  if (entries.length === 0) return t("page.ledger.empty");
  return alerts > entries.length ? count("page.ledger.newest", entries.length, { all: alerts.toLocaleString("en") }) : "";
}

/**
 * @param {HTMLElement} row
 * @param {LedgerEntry} entry
 */
function paintEntry(row, entry) {
  const began = beganAt(entry);
  text(part(row, "time"), exactClock(began));
  part(row, "time").title = fullTime(began);
  const severity = part(row, "severity");
  attribute(severity, "data-severity", entry.severity);
  icon(severity, SEVERITY[entry.severity].icon);
  text(part(severity, "severity-word"), t(SEVERITY[entry.severity].word));
  text(part(row, "camera"), plain(entry.camera, 60));
  text(part(row, "source"), t(SOURCE[entry.source]));

  for (const { name, label, without } of STAGES) {
    const cell = /** @type {HTMLElement} */ (row.querySelector(`[data-stage="${name}"]`));
    const at = entry[`${name}_at`];
    cell.dataset.label = t(label);
    attribute(cell, "data-without", at === null ? "" : null);
    const [time, delay] = /** @type {HTMLElement[]} */ ([...cell.children]);
    if (!time || !delay) continue;
    text(time, at === null ? (without === null ? "" : t(without)) : exactClock(at));
    time.title = at === null ? "" : fullTime(at);
    text(delay, at === null || entry.detected_here === null ? "" : later(at - entry.detected_here));
  }
}
