/**
 * The shop's report: how many incidents there were, when, where, and what was decided about them.
 *
 * @import { Activity, Part, Report, Tally } from "../types.d.ts"
 */

import { attribute, clone, keyed, part, show, text } from "../dom.js";
import { clock, day, plain, took } from "../format.js";
import { standing } from "../ledger.js";
import { count, t } from "../words.js";

const HOURS = Array.from({ length: 24 }, (_, hour) => new Date(2025, 0, 1, hour).getTime());

/** Days whose bars have room for a label each. */
const FEW = 10;

/**
 * @param {HTMLElement} root
 * @param {Report} report
 * @param {number} now
 */
export function paintActivity(root, report, now) {
  const { total, stores, cameras, days } = report.activity;
  const some = total.incidents > 0;
  const isWhole = report.lost === 0 && standing(report).length === 0;
  show(part(root, "shop-warning"), !isWhole);
  text(part(root, "shop-warning"), isWhole ? "" : t("page.activity.warning"));
  show(part(root, "shop-figures"), some);
  show(part(root, "shop-none"), !some);
  text(part(root, "shop-none"), some ? "" : t("page.activity.none"));
  keyed(part(root, "shop-figures"), figures(total), ({ name }) => name, () => clone("figure"), (element, figure) => {
    const [name, number, more] = element.children;
    if (!name || !number || !more) return;
    text(name, figure.name);
    text(number, figure.number);
    text(more, figure.more);
  });

  show(part(root, "by-hour"), some);
  paintBars(part(root, "hours"), hours(report.activity));
  show(part(root, "by-day"), some && days.length > 1);
  paintBars(part(root, "days"), dates(report.activity, now));

  show(part(root, "by-store"), some && stores.length > 1);
  paintTallies(part(root, "stores"), t("page.activity.store"), stores);
  show(part(root, "by-camera"), some);
  paintTallies(part(root, "cameras"), t("page.activity.camera"), cameras);
}

/** @param {Tally} total */
function figures({ incidents, open, false_alarms, to_decision }) {
  const decided = incidents - open;
  const { count: of, median_ms, p95_ms } = to_decision;
  return [
    {
      name: t("page.activity.incidents"),
      number: incidents.toLocaleString("en"),
      more: open === 0 ? t("page.activity.all_handled") : count("page.activity.not_handled", open),
    },
    {
      name: t("page.activity.false_alarms"),
      number: decided === 0 ? "–" : t("page.activity.percent", { n: Math.round((false_alarms / decided) * 100) }),
      more:
        decided === 0
          ? t("page.activity.none_decided")
          : count("page.activity.of_decided", decided, { part: false_alarms.toLocaleString("en") }),
    },
    {
      name: t("page.figure.to_action"),
      number: median_ms === null ? "–" : took(median_ms),
      more:
        median_ms === null ? t("page.figure.no_action") : count("page.activity.spread", of, { delay: took(p95_ms ?? median_ms) }),
    },
  ];
}

/** @typedef {{ key: string, label: string, when: string, incidents: number }} Bar */

/** @param {Activity} activity @returns {Bar[]} */
function hours({ hours }) {
  return HOURS.map((at, hour) => ({
    key: String(hour),
    label: hour % 3 === 0 ? String(hour).padStart(2, "0") : "",
    when: t("page.activity.hour", { from: clock(at), to: clock(HOURS[(hour + 1) % 24] ?? at) }),
    incidents: hours[hour] ?? 0,
  }));
}

/** @param {Activity} activity @param {number} now @returns {Bar[]} */
function dates({ days }, now) {
  const every = Math.ceil(days.length / FEW);
  return days.map(({ at, incidents }, nth) => ({
    key: String(at),
    label: nth % every === 0 ? String(new Date(at).getDate()) : "",
    when: day(at, now),
    incidents,
  }));
}

/** @param {HTMLElement} list @param {Bar[]} bars */
function paintBars(list, bars) {
  const most = Math.max(1, ...bars.map(({ incidents }) => incidents));
  keyed(list, bars, ({ key }) => key, () => clone("bar"), (element, { label, when, incidents }) => {
    const words = count("page.activity.bar", incidents, { when });
    element.title = words;
    part(element, "fill").style.setProperty("--part", String(incidents / most));
    text(part(element, "label"), label);
    text(part(element, "words"), words);
  });
}

/** @param {HTMLElement} box @param {string} what @param {Part[]} parts */
function paintTallies(box, what, parts) {
  if (!box.firstElementChild) box.append(clone("tallies"));
  const table = /** @type {HTMLElement} */ (box.firstElementChild);
  attribute(table, "aria-label", what);
  text(part(table, "what"), what);
  keyed(part(table, "tally-rows"), parts, ({ id, store }) => `${id} ${store}`, () => clone("tally"), paintTally);
}

/** @param {HTMLElement} row @param {Part} part_ */
function paintTally(row, { name, store, tally }) {
  text(part(row, "name"), plain(name, 200) || t("page.activity.no_store"));
  text(part(row, "store"), store === null ? "" : plain(store, 200));
  const { incidents, open, acknowledged, resolved, false_alarms, to_decision } = tally;
  /** @type {[string, string, string][]} */
  const cells = [
    ["incidents", "page.activity.incidents", incidents.toLocaleString("en")],
    ["open", "page.activity.open", open.toLocaleString("en")],
    ["acknowledged", "page.activity.acknowledged", acknowledged.toLocaleString("en")],
    ["resolved", "page.activity.resolved", resolved.toLocaleString("en")],
    ["false-alarms", "page.activity.false_alarms", false_alarms.toLocaleString("en")],
    ["to-decision", "page.activity.to_decision", to_decision.median_ms === null ? "–" : took(to_decision.median_ms)],
  ];
  for (const [cell, label, words] of cells) {
    const element = part(row, cell);
    element.dataset["label"] = t(label);
    text(element, words);
  }
}
