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
import { DECISION, KIND, SEVERITY } from "./terms.js";

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
 * The state of handling in words, with its icon.
 *
 * @param {Handling} handling
 */
export function handlingWords(handling) {
  switch (handling.state) {
    case "open":
      return { icon: null, words: "" };
    case "sending":
      return { icon: "sending", words: t("page.handling.sending") };
    case "recorded": {
      const done = t(DECISION[handling.decision].done);
      const words = handling.here ? t("page.handling.here", { done }) : t("page.handling.elsewhere", { done });
      return { icon: DECISION[handling.decision].icon, words };
    }
    case "refused":
      return { icon: "refused", words: t("page.handling.refused") };
  }
}

/**
 * Whether somebody here acknowledged it and nobody resolved it for too long.
 *
 * @param {Handling} handling
 * @param {number} timeout minutes; 0: never
 * @param {number} now
 */
export function isWaiting(handling, timeout, now) {
  if (handling.state !== "recorded" || handling.decision !== "acknowledged" || !handling.here) return false;
  return timeout > 0 && now - handling.at >= timeout * 60_000;
}

function waitingWords() {
  return { icon: "info", words: t("page.handling.waiting", { done: t(DECISION.acknowledged.done) }) };
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
  const said = isWaiting(handling, timeout, now) ? waitingWords() : handlingWords(handling);
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
  const handled = part(row, "handling");
  show(handled, said.words !== "");
  if (said.icon) icon(handled, said.icon);
  text(part(handled, "handling-words"), said.words);
  cover(row, incident.cover);

  const parts = [
    incident.seen ? "" : t("page.row.new"),
    camera,
    t(KIND[incident.kind]),
    t("page.row.severity", { severity: t(SEVERITY[incident.severity].word) }),
    moment(happened(incident).from, now),
    late.replace(/\.$/, ""),
    pictures(incident),
    said.words || t("page.handling.open"),
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
