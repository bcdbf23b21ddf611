/**
 * The list of incidents and outages as data: what is in it, in which order, and which part of it is in the document.
 *
 * @import { FeedItem, FeedPage, Handling, Incident } from "./types.d.ts"
 * @import { Feed, Query, State, Way } from "./state.js"
 */

import { KIND } from "./views/terms.js";
import { t } from "./words.js";

/** Asks for everything. @type {Query} */
export const EVERYTHING = {
  filter: "all",
  search: "",
  severity: null,
  shop: null,
  camera: null,
  kind: null,
  decision: null,
  who: null,
  since: null,
  until: null,
};
/** Rows that the page remembers, all of them in the document, however far down the list somebody reads. */
export const ROWS = 200;
/** What arrives is put above so many more: nothing is taken from under the eyes of who reads at the end. */
export const MORE = 100;

/** The moment a row is sorted by. @param {FeedItem} item */
export function beginOf(item) {
  return item.type === "incident" ? item.first_at : item.from;
}

/**
 * From when to when an incident happened; it is sorted by when it came.
 *
 * @param {Incident} incident
 * @returns {{ from: number, to: number }}
 */
export function happened({ first_at, last_at, late }) {
  return late ?? { from: first_at, to: last_at };
}

/** Nobody has decided yet, or nobody's decision was taken, or it was opened again. @param {Handling} handling */
export function isOpen(handling) {
  return handling.state === "open" || handling.state === "refused" || handling.state === "reopened";
}

/**
 * The incident below or above another, or the first of all where there is none; none at the end.
 *
 * @param {Feed} feed
 * @param {string | null} id
 * @param {1 | -1} step
 */
export function neighbour({ items }, id, step) {
  const at = items.findIndex((item) => item.id === id);
  const way = step === 1 ? items.slice(at + 1) : items.slice(0, Math.max(at, 0)).reverse();
  return way.find((item) => item.type === "incident")?.id ?? null;
}

/**
 * The next incident that nobody has decided on: below this one, and from the top where none is left there.
 *
 * @param {State} state
 * @param {string} id
 */
export function nextOpen({ feed: { items }, deciding }, id) {
  const at = items.findIndex((item) => item.id === id);
  const way = [...items.slice(at + 1), ...items.slice(0, Math.max(at, 0))];
  const next = way.find((item) => item.type === "incident" && isOpen(deciding[item.id] ?? item.handling));
  return next?.id ?? null;
}

/**
 * Whether the program counts more that nobody has decided on than the list holds. What was decided a moment ago may still be
 * among those that it counts.
 *
 * @param {State} state
 */
export function isMoreOpen({ counts, shown, feed: { items, query } }) {
  if (!isEverything({ ...query, filter: "all" })) return false;
  const counted = items.filter((item) => item.type === "incident" && item.handling.state !== "recorded");
  const aside = shown?.detail && !items.some((item) => item.id === shown.id) && isOpen(shown.detail.incident.handling);
  return counts.unhandled > counted.length + (aside ? 1 : 0);
}

/**
 * Puts an incident that is not in the feed yet where its time belongs, unless it was not asked for. Above rows that are not here
 * it is only counted.
 *
 * @param {State} state
 * @param {Incident} incident
 * @returns {State}
 */
export function withArrival(state, incident) {
  const { feed } = state;
  const known = feed.items.some((item) => item.type === "incident" && item.id === incident.id);
  if (known || !matches(feed, incident)) return state;

  const place = feed.items.findIndex((item) => beginOf(item) <= incident.first_at);
  const at = place === -1 ? feed.items.length : place;
  if (at === feed.items.length && feed.next !== null) return state;
  if (at === 0 && feed.previous !== null) {
    if (feed.waiting.includes(incident.id)) return state;
    return { ...state, feed: { ...feed, waiting: [...feed.waiting, incident.id], above: feed.above + 1 } };
  }

  const items = feed.items.toSpliced(at, 0, { type: "incident", ...incident });
  return { ...state, feed: items.length > ROWS + MORE ? withoutLast(feed, items) : { ...feed, items } };
}

/** With the newest rows of these, as many as are remembered. @param {Feed} feed @param {FeedItem[]} items @returns {Feed} */
function withoutLast(feed, items) {
  const kept = items.slice(0, ROWS);
  return { ...feed, items: kept, next: kept.length < items.length ? (kept.at(-1)?.id ?? null) : feed.next };
}

/** With the oldest rows of these. @param {Feed} feed @param {FeedItem[]} items @returns {Feed} */
function withoutFirst(feed, items) {
  const gone = Math.max(0, items.length - ROWS);
  const kept = items.slice(gone);
  return { ...feed, items: kept, previous: gone > 0 ? (kept[0]?.id ?? null) : feed.previous, above: feed.above + gone };
}

/**
 * In "Not handled", takes out what is handled by now, except the one that is being looked at.
 *
 * @param {State} state
 * @returns {State}
 */
export function withoutHandled(state) {
  const { feed, shown } = state;
  if (feed.query.filter !== "unhandled") return state;

  const items = feed.items.filter(
    (item) => item.type !== "incident" || item.id === shown?.id || isOpen(item.handling),
  );
  if (items.length === feed.items.length) return state;
  return { ...state, feed: { ...feed, items } };
}

/**
 * @param {State} state
 * @param {FeedPage} page
 * @param {Way} way
 * @returns {State}
 */
export function feedLoaded(state, page, way) {
  return { ...state, feed: { ...withPage(state.feed, page, way), phase: "ready", sentence: "" } };
}

/**
 * @param {Feed} feed
 * @param {FeedPage} page
 * @param {Way} way
 * @returns {Feed}
 */
function withPage(feed, page, way) {
  if (way === "anew") {
    const { items, next, previous, shops, cameras, understood } = page;
    return { ...feed, items, next, previous, above: page.above ?? 0, waiting: [], shops, cameras, understood };
  }
  const known = new Set(feed.items.map((item) => item.id));
  const added = page.items.filter((item) => !known.has(item.id));
  if (way === "older") return withoutFirst({ ...feed, next: page.next }, [...feed.items, ...added]);
  const { previous } = page;
  const above = previous === null ? 0 : Math.max(0, feed.above - added.length);
  const waiting = previous === null ? [] : feed.waiting;
  return withoutLast({ ...feed, previous, above, waiting }, [...added, ...feed.items]);
}

/**
 * @param {Query} one
 * @param {Query} other
 */
export function sameQuery(one, other) {
  const keys = /** @type {(keyof Query)[]} */ (Object.keys(EVERYTHING));
  return keys.every((key) => one[key] === other[key]);
}

/** Nothing is left out. @param {Query} query */
export function isEverything(query) {
  return sameQuery(query, EVERYTHING);
}

/**
 * Whether an incident that just arrived belongs to what is asked for. The program searches better; this is for the
 * moment until it is asked again.
 *
 * @param {Feed} feed
 * @param {Incident} incident
 */
function matches({ query, shops, understood }, incident) {
  if (query.filter === "unhandled" ? !isOpen(incident.handling) : incident.cleared !== (query.filter === "cleared")) return false;
  if (query.severity !== null && incident.severity !== query.severity) return false;
  if (query.since !== null && incident.first_at < query.since) return false;
  if (query.until !== null && incident.first_at >= query.until) return false;
  if (query.camera !== null && incident.stream_id !== query.camera) return false;
  if (query.kind !== null && incident.kind !== query.kind) return false;
  if (query.decision !== null && decisionOn(incident.handling) !== query.decision) return false;
  if (query.who !== null && decidedBy(incident.handling) !== query.who) return false;
  if (query.shop !== null && incident.shop !== shops.find((shop) => shop.id === query.shop)?.name) return false;
  if (understood && (incident.first_at < understood.from || incident.first_at >= understood.to)) return false;
  const text = `${incident.camera} ${incident.shop ?? ""} ${t(KIND[incident.kind])}`.toLowerCase();
  const words = (understood?.words ?? query.search).toLowerCase().split(/\s+/);
  return words.every((word) => finds(text, word));
}

/** What was decided and not refused. @param {Handling} handling */
function decisionOn(handling) {
  if (handling.state === "reopened") return "reopened";
  return handling.state === "sending" || handling.state === "recorded" ? handling.decision : null;
}

/** @param {Handling} handling */
function decidedBy(handling) {
  if (isOpen(handling)) return null;
  return handling.state === "recorded" && !handling.here ? "others" : "me";
}

/** A few letters are found where a word begins, and a number where one begins, as in the journal. @param {string} text @param {string} word */
function finds(text, word) {
  if (/^[0-9]{1,3}$/.test(word)) return new RegExp(`(?<![0-9])${word}`).test(text);
  if (/^[a-z0-9]{1,3}$/.test(word)) return new RegExp(`(?<![\\p{L}\\p{N}])${word}`, "u").test(text);
  return text.includes(word);
}
