/**
 * Which incidents of the list are chosen, to be decided on as one act. Pure: what is chosen and is not listed counts for
 * nothing, so that nobody decides on what they do not see.
 *
 * @import { Feed } from "./state.js"
 * @import { FeedItem, Incident } from "./types.d.ts"
 */

/**
 * @typedef {object} Selection
 * @property {ReadonlySet<string>} ids
 * @property {string | null} anchor from where a stretch of rows is chosen
 * @property {string | null} head to where it was
 */

/** @type {Selection} */
export const NONE = { ids: new Set(), anchor: null, head: null };

/**
 * The chosen incidents that are listed, from the top.
 *
 * @param {Feed} feed
 * @param {Selection} selection
 * @returns {Incident[]}
 */
export function chosen({ items }, { ids }) {
  return ids.size === 0 ? [] : items.filter(isIncident).filter((incident) => ids.has(incident.id));
}

/**
 * One more, or one less.
 *
 * @param {Selection} selection
 * @param {string} id
 * @returns {Selection}
 */
export function toggled({ ids }, id) {
  const changed = new Set(ids);
  if (!changed.delete(id)) changed.add(id);
  return { ids: changed, anchor: id, head: id };
}

/**
 * The stretch from the anchor to this row, in place of the one before.
 *
 * @param {Feed} feed
 * @param {Selection} selection
 * @param {string} id
 * @param {string | null} from the row that it begins at where none is chosen yet
 * @returns {Selection}
 */
export function stretched({ items }, { ids, anchor, head }, id, from) {
  const rows = items.filter(isIncident).map((incident) => incident.id);
  const begin = [anchor, from].find((row) => row !== null && rows.includes(row)) ?? id;
  const between = (/** @type {string} */ one, /** @type {string} */ other) => {
    const [a, b] = [rows.indexOf(one), rows.indexOf(other)];
    return a === -1 || b === -1 ? [] : rows.slice(Math.min(a, b), Math.max(a, b) + 1);
  };
  const changed = new Set(ids);
  if (head !== null) for (const row of between(begin, head)) changed.delete(row);
  for (const row of between(begin, id)) changed.add(row);
  return { ids: changed, anchor: begin, head: id };
}

/**
 * All that are listed; with a camera's stream, those of that camera.
 *
 * @param {Feed} feed
 * @param {string | null} [stream]
 * @returns {Selection}
 */
export function all({ items }, stream = null) {
  const rows = items.filter(isIncident).filter((incident) => stream === null || incident.stream_id === stream);
  return { ids: new Set(rows.map((incident) => incident.id)), anchor: rows[0]?.id ?? null, head: null };
}

/**
 * The camera that all the chosen ones are of, and how many of it are listed; none where there is nothing more to choose.
 *
 * @param {Feed} feed
 * @param {readonly Incident[]} incidents
 */
export function ofOneCamera(feed, incidents) {
  const stream = incidents[0]?.stream_id ?? null;
  if (stream === null || incidents.some((incident) => incident.stream_id !== stream)) return null;
  const listed = all(feed, stream).ids.size;
  return listed > incidents.length ? { stream, listed } : null;
}

/** @param {FeedItem} item @returns {item is Extract<FeedItem, { type: "incident" }>} */
function isIncident(item) {
  return item.type === "incident";
}
