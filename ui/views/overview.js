/**
 * What is beside the list while nothing is open: how things stand in one line, and the day at a glance.
 *
 * @import { FeedItem, Severity } from "../types.d.ts"
 * @import { State } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { attribute, part, show, text } from "../dom.js";
import { midnight, moment, plain } from "../format.js";
import { onPress } from "../keys.js";
import { beginOf, happened, isEverything, isOpen } from "../listing.js";
import { count, t } from "../words.js";
import { isByRecord } from "./status.js";
import { STATUS } from "./terms.js";

const MINUTE = 60_000;
/** How tall a mark is, so that severity is not colour alone. */
const TALL = /** @type {Record<Severity, number>} */ ({ high: 44, medium: 30, low: 18 });

/**
 * @param {Actions} act
 * @param {() => number} now
 */
export function overviewView(act, now) {
  const root = part(document, "overview");
  let painted = /** @type {State | null} */ (null);
  onPress(part(root, "overview-report"), () => act.go("report"));
  onPress(part(root, "newest"), () => {
    const item = painted && newest(painted.feed.items);
    if (item) act.open(item.id);
  });

  /** @param {State} state */
  return function paint(state) {
    show(root, state.shown === null);
    if (state.shown !== null || state === painted) return;
    painted = state;
    const present = now();
    text(part(root, "overview-title"), title(state));
    text(part(root, "overview-sentence"), sentence(state, present));
    const open = newest(state.feed.items);
    show(part(root, "newest"), open !== null);

    const { query, items, next, previous } = state.feed;
    const whole = isEverything(query) && previous === null;
    show(part(root, "day"), whole);
    if (whole) paintDay(part(root, "day").querySelector("svg"), items, next !== null, present);
  };
}

/** @param {State} state */
function title({ counts }) {
  if (counts.unhandled > 0) return count("page.overview.unhandled", counts.unhandled);
  if (counts.total + counts.cleared === 0) return t("page.overview.none");
  return counts.today === 0 ? t("page.overview.none_today") : t("page.overview.handled");
}

/** @param {State} state @param {number} now */
function sentence({ counts, status }, now) {
  const today = counts.today > 0 ? count("page.overview.today", counts.today) : "";
  const since = status
    ? t("page.overview.since", { status: t(STATUS[status.status].word), moment: moment(status.since, now) })
    : "";
  const way = status && isByRecord(status) ? plain(status.sentence, 300) : "";
  return [today, since, way, counts.total + counts.cleared === 0 ? t("page.overview.first") : ""].filter(Boolean).join(" ");
}

/** The newest incident that waits for a decision. @param {FeedItem[]} items */
function newest(items) {
  const item = items.find((item) => item.type === "incident" && isOpen(item.handling));
  return item?.type === "incident" ? item : null;
}

/**
 * A line of 24 hours: when there was a connection, when not, and what came.
 *
 * @param {SVGSVGElement | null} svg
 * @param {FeedItem[]} items
 * @param {boolean} more older ones are not loaded
 * @param {number} now
 */
function paintDay(svg, items, more, now) {
  if (svg === null) return;
  const start = midnight(now);
  /** @param {number} at */
  const minute = (at) => Math.max(0, Math.min(1440, (at - start) / MINUTE));
  const oldest = items.at(-1);
  const known = more && oldest ? beginOf(oldest) : start;

  const shapes = [shape("day-track", 0, 1440, 6), shape("day-known", minute(known), minute(now), 6)];
  let alerts = 0;
  let outages = 0;
  for (const item of items) {
    if (item.type === "outage") {
      if ((item.to ?? now) < start) continue;
      outages += 1;
      shapes.push(shape("day-outage", minute(item.from), Math.max(minute(item.from) + 3, minute(item.to ?? now)), 6));
    } else if (happened(item).from >= start) {
      alerts += 1;
      const at = minute(happened(item).from);
      const mark = shape("day-mark", at - 2, at + 2, TALL[item.severity]);
      mark.dataset.severity = item.severity;
      if (!isOpen(item.handling)) mark.dataset.handled = "";
      shapes.push(mark);
    }
  }
  shapes.push(shape("day-now", minute(now) - 1, minute(now) + 1, 56));
  svg.replaceChildren(...shapes);
  attribute(svg, "aria-label", `${count("page.day.alerts", alerts)} ${count("page.day.outages", outages)}`);
}

/**
 * @param {string} name
 * @param {number} from
 * @param {number} to
 * @param {number} height
 */
function shape(name, from, to, height) {
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  rect.setAttribute("class", name);
  rect.setAttribute("x", String(from));
  rect.setAttribute("width", String(Math.max(0, to - from)));
  rect.setAttribute("y", String(56 - height));
  rect.setAttribute("height", String(height));
  return rect;
}
