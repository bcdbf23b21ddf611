/**
 * One row of the feed.
 *
 * @import { FeedItem, Handling, Incident } from "../types.d.ts"
 * @import { State } from "../state.js"
 */

import { frameUrl } from "../core.js";
import { attribute, clone, icon, part, partOf, show, text } from "../dom.js";
import { clock, dated, day, duration, fullTime, midnight, moment, plain } from "../format.js";
import { beginOf, happened } from "../listing.js";
import { handlingOf } from "../state.js";
import { ticking } from "../tick.js";
import { count, t } from "../words.js";
import { DECISION, KIND, OUTCOME, SEVERITY } from "./terms.js";

/** @typedef {{ now: number, state: State, live: boolean, items: FeedItem[] }} Context */

/** What a row showed when it was last painted. @type {WeakMap<HTMLElement, { item: FeedItem, handling: Handling | null }>} */
const painted = new WeakMap();

/** @param {FeedItem} item */
export function makeRow(item) {
  return clone(item.type === "incident" ? "incident" : "outage");
}

/**
 * @param {HTMLElement} row
 * @param {FeedItem} item
 * @param {number} index
 * @param {Context} context
 */
export function updateRow(row, item, index, { now, state, live, items }) {
  const newer = items[index - 1];
  const title = day(beginOf(item), now);
  const heading = part(row, "day");
  show(heading, newer === undefined || day(beginOf(newer), now) !== title);
  text(heading, title);
  const { above, next } = state.feed;
  attribute(row, "aria-posinset", String(above + index + 1));
  attribute(row, "aria-setsize", String(next === null ? above + items.length : -1));

  const handling = item.type === "incident" ? handlingOf(state, item) : null;
  const before = painted.get(row);
  if (before?.item === item && before.handling === handling) return;
  if (before === undefined && live) arrive(row, index);
  painted.set(row, { item, handling });

  if (item.type === "incident") paintIncident(row, item, handling ?? item.handling, state.settings?.acknowledgement_timeout_minutes ?? 0, now);
  else paintOutage(row, item, now);
}

/**
 * A row that is new. The picture of the first one is in sight: it need not wait until the browser has found that out.
 *
 * @param {HTMLElement} row
 * @param {number} index
 */
function arrive(row, index) {
  row.dataset.arrived = "";
  if (index > 0) return;
  for (const image of row.querySelectorAll("img")) Object.assign(image, { loading: "eager", decoding: "sync" });
}

/**
 * The state of handling in words, with its icon: who has it or what was decided, and what there is to say besides.
 *
 * @param {Handling} handling
 * @param {Pick<Incident, "by" | "outcome" | "unopened">} about
 * @returns {{ icon: string | null, words: string, more: string[] }}
 */
export function handlingWords(handling, about) {
  switch (handling.state) {
    case "open":
      return { icon: null, words: "", more: [] };
    case "sending":
      return { icon: "sending", words: t("page.handling.sending"), more: more(about) };
    case "recorded":
      return { icon: DECISION[handling.decision].icon, words: who(handling, about), more: more(about) };
    case "reopened": {
      const done = t(DECISION.reopened.done);
      return { icon: DECISION.reopened.icon, words: said(done, handling.here, about.by), more: [] };
    }
    case "refused":
      return { icon: "refused", words: t("page.handling.refused"), more: [] };
  }
}

/**
 * Whether who is signed in acknowledged it here and nobody resolved it for too long.
 *
 * @param {Handling} handling
 * @param {Pick<Incident, "by">} about
 * @param {number} timeout minutes; 0: never
 * @param {number} now
 */
export function isWaiting(handling, { by }, timeout, now) {
  if (by !== null || handling.state !== "recorded" || handling.decision !== "acknowledged" || !handling.here) return false;
  return timeout > 0 && now - handling.at >= timeout * 60_000;
}

function waitingWords() {
  return { icon: "info", words: t("page.handling.waiting", { done: t(DECISION.acknowledged.done) }), more: [] };
}

/**
 * @param {Extract<Handling, { state: "recorded" }>} handling
 * @param {Pick<Incident, "by">} about
 */
function who({ decision, here }, { by }) {
  if (decision !== "acknowledged") return said(t(DECISION[decision].done), here, by);
  if (by !== null) return t("page.handling.has", { name: plain(by, 60) });
  return here ? t("page.handling.you_have") : t("page.handling.colleague_has");
}

/** @param {string} done @param {boolean} here @param {string | null} by */
function said(done, here, by) {
  if (by !== null) return t("page.handling.by", { done, name: plain(by, 60) });
  return here ? t("page.handling.here", { done }) : t("page.handling.elsewhere", { done });
}

/** What came of it, and whether anybody had opened it. @param {Pick<Incident, "outcome" | "unopened">} about */
function more({ outcome, unopened }) {
  const words = [outcome === null ? "" : t(OUTCOME[outcome]), unopened ? t("page.handling.unopened") : ""];
  return words.filter(Boolean);
}

/**
 * @param {HTMLElement} row
 * @param {Incident} incident
 * @param {Handling} handling
 * @param {number} timeout after so many minutes what was acknowledged here waits to be resolved; 0: never
 * @param {number} now
 */
function paintIncident(row, incident, handling, timeout, now) {
  const camera = plain(incident.camera, 60);
  const handled = isWaiting(handling, incident, timeout, now) ? waitingWords() : handlingWords(handling, incident);
  const said = [handled.words, ...handled.more].filter(Boolean).join(" · ");
  attribute(row, "data-severity", incident.severity);
  attribute(row, "data-handling", handling.state);
  attribute(row, "data-unseen", incident.seen ? null : "");
  text(part(row, "camera"), camera);
  text(part(row, "time"), span(incident));
  part(row, "time").title = fullTime(happened(incident).from);
  const late = plain(incident.late?.sentence ?? "");
  text(part(row, "late"), late);
  show(part(row, "late"), late !== "");
  text(part(row, "kind"), t(KIND[incident.kind]));
  show(part(row, "new"), !incident.seen);

  const severity = part(row, "severity");
  icon(severity, SEVERITY[incident.severity].icon);
  text(part(severity, "severity-word"), t(SEVERITY[incident.severity].word));
  text(part(row, "pictures"), pictures(incident));
  const line = part(row, "handling");
  show(line, said !== "");
  if (handled.icon) icon(line, handled.icon);
  text(part(line, "handling-words"), said);
  cover(row, incident.cover);

  const parts = [
    incident.seen ? "" : t("page.row.new"),
    camera,
    t(KIND[incident.kind]),
    t("page.row.severity", { severity: t(SEVERITY[incident.severity].word) }),
    moment(happened(incident).from, now),
    late.replace(/\.$/, ""),
    pictures(incident),
    said || t("page.handling.open"),
  ];
  attribute(row, "aria-label", parts.filter(Boolean).join(", "));
}

/** How many pictures there are to look at. @param {Incident} incident */
export function pictures(incident) {
  if (incident.cover === null) return t("page.row.no_picture");
  return count("page.row.pictures", incident.alerts);
}

/**
 * When it was: a moment, or from when to when if it went on for minutes; with its day, if that is not the row's.
 *
 * @param {Incident} incident
 */
function span(incident) {
  const { from, to } = happened(incident);
  const began = midnight(from) === midnight(incident.first_at) ? clock(from) : dated(from);
  if (to - from < 60_000) return began;
  return t("page.row.span", { from: began, to: clock(to) });
}

/**
 * @param {HTMLElement} row
 * @param {string | null} id
 */
function cover(row, id) {
  const thumb = part(row, "thumb");
  const image = partOf(row, "cover", HTMLImageElement);
  const failed = id !== null && image.dataset.failed === id;
  attribute(thumb, "data-empty", id === null || failed ? "" : null);
  show(image, id !== null && !failed);
  if (id === null || failed) return;
  image.onerror = () => {
    image.dataset.failed = id;
    cover(row, id);
  };
  attribute(image, "src", frameUrl(id));
}

/**
 * @param {HTMLElement} row
 * @param {Extract<FeedItem, { type: "outage" }>} outage
 * @param {number} now
 */
function paintOutage(row, outage, now) {
  const span = part(row, "span");
  if (outage.to === null) {
    text(span, t("page.outage.open", { from: clock(outage.from) }));
    ticking(part(row, "sentence"), "lasting", outage.from, now);
  } else {
    const length = duration(outage.to - outage.from);
    text(span, t("page.outage.closed", { from: clock(outage.from), to: clock(outage.to), length }));
    delete part(row, "sentence").dataset.tick;
    text(part(row, "sentence"), plain(outage.sentence, 200));
  }
  attribute(row, "aria-label", `${span.textContent}. ${part(row, "sentence").textContent}`);
}
