/**
 * The report of a time, in two parts: the shop's, and how alerts were delivered. Of the delivery first the one number that
 * matters, then how fast, then why not, then each alert.
 *
 * @import { Gap, Outage, Report, Spread } from "../types.d.ts"
 * @import { Ledger, Period, ReportPart, State } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { attribute, clone, icon, keyed, part, show, text } from "../dom.js";
import { clock, date, duration, midnight, moment, plain, took } from "../format.js";
import { onChoice, onPress } from "../keys.js";
import { dayAfter, readDay, standing, timeBetween, verdictOf, writeDay } from "../ledger.js";
import { count, t } from "../words.js";
import { paintActivity } from "./activity.js";
import { drillView } from "./drill.js";
import { paintLedger } from "./ledger.js";

/** What is said first. */
const VERDICT = {
  lost: { icon: "shield-alert", sentence: "page.verdict.lost" },
  gap: { icon: "shield-alert", sentence: "page.verdict.gap" },
  pending: { icon: "shield-clock", sentence: "page.verdict.pending" },
  whole: { icon: "shield-check", sentence: "page.verdict.whole" },
};

/** @type {readonly [string, ReportPart][]} */
const PARTS = [
  ["report-shop", "shop"],
  ["report-body", "delivery"],
];

/**
 * @param {Actions} act
 * @param {() => number} now
 */
export function reportView(act, now) {
  const root = part(document, "report-page");
  const range = part(root, "range");
  const from = field(root, "report_from");
  const to = field(root, "report_to");
  const paintDrill = drillView(part(root, "report-drill"), act, now);
  let painted = /** @type {State | null} */ (null);

  onPress(part(root, "report-back"), () => act.go("feed"));
  onPress(part(root, "print"), act.print);
  onPress(part(root, "report-again"), act.renew);
  for (const radio of root.querySelectorAll('[name="period"]')) {
    if (!(radio instanceof HTMLInputElement)) continue;
    radio.addEventListener("change", () => {
      const period = /** @type {Period} */ (radio.value);
      if (period !== "range") return act.period(period);
      from.value ||= writeDay(dayAfter(now(), -6));
      to.value ||= writeDay(now());
      act.period(period);
      ask();
    });
  }
  onPress(part(root, "save-table"), act.saveTable);
  for (const radio of root.querySelectorAll('[name="report_part"]')) {
    if (!(radio instanceof HTMLInputElement)) continue;
    radio.addEventListener("change", () => act.part(/** @type {ReportPart} */ (radio.value)));
  }
  for (const input of [from, to]) onChoice(input, ask);

  /** Asks for the days that are typed, or says what is wrong with them. */
  function ask() {
    const [first, last] = [readDay(from.value), readDay(to.value)];
    const time = timeBetween(first, last);
    const backwards = time === null && first !== null && last !== null;
    const problem = backwards ? t("page.period.backwards") : t("page.period.unreadable");
    text(part(range, "range-problem"), time ? "" : problem);
    attribute(from, "aria-invalid", first === null || backwards ? "true" : null);
    attribute(to, "aria-invalid", last === null ? "true" : null);
    if (time) act.range(time);
  }

  /** @param {State} state */
  return function paint(state) {
    const shown = state.ready && state.place === "report";
    const came = shown && root.hidden;
    show(root, shown);
    if (!shown) return;
    if (came) part(root, "report-back").focus();
    paintDrill(state);
    const { ledger } = state;
    if (painted?.ledger === ledger && painted.status === state.status && painted.session === state.session) return;
    const fresh = painted?.ledger.report !== ledger.report;
    painted = state;

    for (const radio of root.querySelectorAll('[name="period"]')) {
      if (radio instanceof HTMLInputElement) radio.checked = radio.value === ledger.period;
    }
    for (const radio of root.querySelectorAll('[name="report_part"]')) {
      if (radio instanceof HTMLInputElement) radio.checked = radio.value === ledger.part;
    }
    show(range, ledger.period === "range");
    paintHead(root, state, now());
    paintNote(root, ledger);
    for (const [name, which] of PARTS) {
      attribute(part(root, name), "aria-busy", String(ledger.phase === "loading"));
      show(part(root, name), ledger.report !== null && ledger.part === which);
    }
    if (ledger.report === null) return;
    paintVerdict(root, ledger.report, state, now());
    if (!fresh) return;
    paintActivity(root, ledger.report, now());
    paintBody(root, ledger.report, now());
  };
}

/**
 * @param {HTMLElement} root
 * @param {State} state
 * @param {number} now
 */
function paintHead(root, { ledger, session }, now) {
  const { query, report, at } = ledger;
  const days = query === null ? "" : named(query.from, query.to - 1);
  text(part(root, "report-about"), report === null ? days : t("page.report.as_of", { days, moment: moment(at, now) }));
  text(part(root, "report-whose"), session === null ? "" : `${plain(session.name, 80)} · ${plain(session.server, 120)}`);
  attribute(part(root, "print"), "aria-disabled", report === null ? "true" : null);
  const { phase, sentence } = ledger.table;
  attribute(part(root, "save-table"), "aria-disabled", report === null || phase === "saving" ? "true" : null);
  attribute(part(root, "table"), "data-phase", phase);
  text(part(root, "table"), plain(sentence, 600));
}

/**
 * The days of a report: "21 November 2025", "15 November 2025 to 21 November 2025".
 *
 * @param {number} first
 * @param {number} last
 */
function named(first, last) {
  return midnight(first) === midnight(last) ? date(first) : t("page.report.days", { from: date(first), to: date(last) });
}

/**
 * What stands in the report's place, or above it: that it is being made, or why it is not there.
 *
 * @param {HTMLElement} root
 * @param {Ledger} ledger
 */
function paintNote(root, { phase, report, sentence }) {
  const failed = phase === "failed";
  const loading = phase === "loading" && report === null;
  show(part(root, "report-note"), failed || loading);
  text(part(root, "report-sentence"), failed ? plain(sentence, 300) : loading ? t("page.report.loading") : "");
  show(part(root, "report-again"), failed);
}

/**
 * @param {HTMLElement} root
 * @param {Report} report
 * @param {State} state
 * @param {number} now
 */
function paintVerdict(root, report, { status }, now) {
  const verdict = verdictOf(report, status, now);
  const box = part(root, "verdict");
  attribute(box, "data-verdict", verdict);
  icon(box, VERDICT[verdict].icon);
  const gaps = standing(report);
  const title = verdict === "gap" ? count("page.verdict.gaps", gaps.length) : count("page.verdict.title", report.lost);
  text(part(box, "verdict-title"), title);
  text(part(box, "verdict-sentence"), t(VERDICT[verdict].sentence));
  keyed(part(box, "gaps"), gaps, keyOfGap, () => clone("stretch"), (row, gap) => paintGap(row, gap, now));
  show(part(box, "gaps"), gaps.length > 0);
}

/**
 * @param {HTMLElement} root
 * @param {Report} report
 * @param {number} now
 */
function paintBody(root, report, now) {
  keyed(part(root, "figures"), figures(report), (figure) => figure.name, () => clone("figure"), (element, figure) => {
    const [name, number, more] = element.children;
    if (!name || !number || !more) return;
    text(name, figure.name);
    text(number, figure.number);
    text(more, figure.more);
  });

  const { unmeasured, measured_since: since } = report;
  const older = since !== null && unmeasured > 0;
  show(part(root, "unmeasured"), older);
  text(part(root, "unmeasured"), older ? count("page.activity.unmeasured", unmeasured, { moment: moment(since, now) }) : "");

  const { outages, offline_ms } = report;
  const none = outages.length === 0;
  text(
    part(root, "outages-note"),
    none ? t("page.report.no_outages") : count("page.report.outages_count", outages.length, { duration: duration(offline_ms) }),
  );
  show(part(root, "outages"), !none);
  keyed(part(root, "outages"), outages.toReversed(), (outage) => String(outage.from), () => clone("stretch"), (row, outage) =>
    paintOutage(row, outage, now),
  );

  const filled = report.gaps.filter((gap) => gap.filled);
  show(part(root, "filled"), filled.length > 0);
  keyed(part(root, "filled-gaps"), filled, keyOfGap, () => clone("stretch"), (row, gap) => paintGap(row, gap, now));

  const { drills_passed: passed, drills_failed: failed } = report;
  const drills = [count("page.report.drills_passed", passed)];
  if (failed > 0) drills.push(count("page.report.drills_failed", failed));
  text(part(root, "drills-note"), passed + failed === 0 ? t("page.report.no_drills") : drills.join(" · "));

  paintLedger(root, report, now);
}

/** @param {Report} report */
function figures({ alerts, incidents, live, caught_up, to_popup, to_action }) {
  const ways = [alerts > 0 ? count("page.figure.incidents", incidents) : "", live > 0 ? count("page.figure.live", live) : "", caught_up > 0 ? count("page.figure.caught_up", caught_up) : ""];
  return [
    { name: t("page.figure.alerts"), number: alerts.toLocaleString("en"), more: ways.filter(Boolean).join(" · ") },
    { name: t("page.figure.to_popup"), ...spread(to_popup, "page.figure.no_popup") },
    { name: t("page.figure.to_action"), ...spread(to_action, "page.figure.no_action") },
  ];
}

/**
 * @param {Spread} spread
 * @param {"page.figure.no_popup" | "page.figure.no_action"} none
 */
function spread({ count: of, median_ms, p95_ms }, none) {
  if (median_ms === null) return { number: "–", more: t(none) };
  const most = took(p95_ms ?? median_ms);
  return { number: took(median_ms), more: count("page.figure.spread", of, { delay: most }) };
}

/** @param {Gap} gap */
function keyOfGap({ from, to }) {
  return `${from}-${to}`;
}

/** @param {HTMLElement} row @param {Gap} gap @param {number} now */
function paintGap(row, { from, to, sentence }, now) {
  const until = moment(to, now);
  text(part(row, "time"), from === null ? t("page.stretch.until", { to: until }) : stretch(from, to, now));
  text(part(row, "sentence"), plain(sentence, 300));
}

/** @param {HTMLElement} row @param {Outage} outage @param {number} now */
function paintOutage(row, { from, to, caught_up, sentence }, now) {
  const began = moment(from, now);
  text(part(row, "time"), to === null ? t("page.stretch.since", { from: began }) : stretch(from, to, now));
  const caught = caught_up > 0 ? count("page.report.caught_up", caught_up) : "";
  text(part(row, "sentence"), [plain(sentence, 300), caught].filter(Boolean).join(" "));
}

/** From when to when, and how long. @param {number} from @param {number} to @param {number} now */
function stretch(from, to, now) {
  const end = midnight(from) === midnight(to) ? clock(to) : moment(to, now);
  return t("page.stretch.closed", { from: moment(from, now), to: end, duration: duration(to - from) });
}

/**
 * @param {HTMLElement} root
 * @param {string} name
 */
function field(root, name) {
  const input = root.querySelector(`input[name="${name}"]`);
  if (!(input instanceof HTMLInputElement)) throw new Error(`no input ${name}`);
  return input;
}
