/**
 * The keys that work everywhere, and the list of them. A letter acts when nothing else is typed around it, so that neither
 * a scan nor words that were meant for a field decide anything; in a text field all keys are text.
 *
 * @import { State } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { part, show } from "../dom.js";
import { alone, isField, Letters, onPress } from "../keys.js";
import { neighbour } from "../listing.js";
import { chosen } from "../selection.js";
import { focusCurrentRow, reveal } from "./feed.js";
import { isBlurred } from "./veil.js";

/** How long a letter waits that may be the first of a word and must not be. */
const LATER = 400;

/**
 * @param {() => State} state
 * @param {Actions} act
 * @param {ReturnType<typeof import("./detail.js").detailView>} detail
 * @param {ReturnType<typeof import("./selection.js").selectionView>} selection
 */
export function shortcuts(state, act, detail, selection) {
  const list = /** @type {HTMLDialogElement} */ (part(document, "keys"));
  const letters = new Letters();
  /** What settles an alert waits longer, as what shows pictures does: it may be the first letter of a word. @type {Readonly<Record<string, number>>} */
  const SETTLES = { r: LATER, f: LATER, o: LATER, x: LATER };
  let painted = /** @type {State | null} */ (null);
  onPress(part(list, "keys-close"), () => list.close());
  onPress(part(document, "keys-open"), toggle);

  /** Where a letter leads among the alerts. @type {Readonly<Record<string, () => void>>} */
  const WAYS = { "/": focusSearch, j: () => move(1), k: () => move(-1), z: () => act.undo(), x: selection.toggle };
  /** With Shift. @type {Readonly<Record<string, () => void>>} */
  const SHIFTED = { j: () => selection.stretch(1), k: () => selection.stretch(-1) };
  /** What a letter does wherever the person is. @type {Readonly<Record<string, () => void>>} */
  const ALWAYS = { "?": toggle, b: act.blur };
  /** What a letter does to the alert that is looked at. @type {Readonly<Record<string, () => void>>} */
  const ACTS = {
    a: () => detail.decide("acknowledged"),
    r: () => detail.decide("resolved"),
    f: () => detail.decide("false_alarm"),
    o: () => detail.decide("reopened"),
    n: detail.note,
    s: detail.snooze,
  };
  /** The same with Shift: what came of it. @type {Readonly<Record<string, () => void>>} */
  const SHIFTED_ACTS = { r: () => detail.outcomes("resolved"), f: () => detail.outcomes("false_alarm") };
  /** What a letter does to all that are chosen. @type {Readonly<Record<string, () => void>>} */
  const EACH = {
    a: () => act.decideEach("acknowledged"),
    r: () => act.decideEach("resolved"),
    f: () => act.decideEach("false_alarm"),
  };
  /** What an arrow does in the large view. @type {Readonly<Record<string, () => void>>} */
  const ARROWS = { ArrowDown: () => move(1), ArrowUp: () => move(-1) };

  function toggle() {
    if (list.open) list.close();
    else list.showModal();
  }

  /** Opens the alert below or above; the focus goes along where it is in the list. @param {1 | -1} step */
  async function move(step) {
    const from = state().shown?.id ?? null;
    let next = neighbour(state().feed, from, step);
    if (next === null && (await act.more(step === 1 ? "older" : "newer"))) next = neighbour(state().feed, from, step);
    if (next === null || (state().shown?.id ?? null) !== from) return;
    const [found, along] = [next, rowOf(document.activeElement) !== null];
    act.open(found);
    requestAnimationFrame(() => reveal(found, along));
  }

  /** Everything is what is read, and not the window around it. @param {KeyboardEvent} event */
  function selectAll(event) {
    if (isField(event.target) || list.open) return;
    event.preventDefault();
    const { place, shown } = state();
    if (place === "feed" && part(document, "rows").contains(document.activeElement)) return act.selectAll();
    const read = place === "report" ? part(document, "report-page") : place === "feed" && shown ? part(document, "detail").querySelector(".detail-words") : null;
    if (read) getSelection()?.selectAllChildren(read);
  }

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "a") return selectAll(event);
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
    const { place, shown } = state();
    if (event.key === "Escape") return escape(place, shown !== null);
    if (isField(event.target) || place === "sign_in") return;
    const key = letterOf(event);
    const arrow = place === "feed" && !list.open && isInDetail(event.target) ? ARROWS[key] : undefined;
    if (arrow) {
      event.preventDefault();
      arrow();
    } else if (["PageDown", "PageUp"].includes(key) && place === "feed" && event.target === document.body) {
      event.preventDefault();
      focusCurrentRow();
    } else if ([...key].length === 1 && key !== " ") {
      letter(event, key);
    }
  });

  /** A letter, which a key held down types once. @param {KeyboardEvent} event @param {string} key */
  function letter(event, key) {
    const { place, shown } = state();
    const several = chosen(state().feed, state().selection).length > 0;
    const [ways, acts] = place === "feed" && !list.open ? waysAndActs(event.shiftKey, several) : [{}, {}];
    const way = ALWAYS[key] ?? ways[key];
    const deed = acts[key];
    if (ways[key] || deed) event.preventDefault();
    if (event.repeat) return;
    const acted = letters.down(event.timeStamp);
    if (!(way || deed) || acted === null) return;
    const [row, meant, meantAll] = [rowOf(event.target), shown?.id, state().selection];
    alone(() => {
      acted();
      if (several && state().selection !== meantAll) return;
      // What the eye is on may be another by now, or a row that is not open.
      if (way) way();
      else if (row !== null && row !== meant) act.open(row);
      else if (state().shown?.id === meant) deed?.();
    }, key === "b" && isBlurred(state()) ? LATER : SETTLES[key]);
  }

  /**
   * Where letters lead, and what they do to an alert. Where several are chosen, the letters that decide are about these.
   *
   * @param {boolean} shifted @param {boolean} several
   * @returns {[Readonly<Record<string, () => void>>, Readonly<Record<string, () => void>>]}
   */
  function waysAndActs(shifted, several) {
    if (several) return [{ ...WAYS, ...EACH, ...(shifted && SHIFTED) }, {}];
    return shifted ? [{ ...WAYS, ...SHIFTED }, { ...ACTS, ...SHIFTED_ACTS }] : [WAYS, ACTS];
  }

  /** @param {State["place"]} place @param {boolean} open */
  function escape(place, open) {
    if (list.open) return;
    if (place === "feed" && state().selection.ids.size > 0) return act.unselect();
    if (place === "settings" || place === "report") {
      act.go("feed");
      requestAnimationFrame(() => part(part(document, "status"), place).focus());
    } else if (place === "feed" && open) {
      detail.close();
    }
  }

  /** @param {State} state */
  return function paint(state) {
    show(part(document, "keys-open"), state.ready && state.place === "feed");
    const moved = painted !== null && (painted.place !== state.place || painted.shown?.id !== state.shown?.id);
    // Nothing that opens, and nothing that is said, is to be behind it.
    if (list.open && moved) list.close();
    painted = state;
  };
}

/** The key, and of a keyboard with other letters the one at its place. @param {KeyboardEvent} event */
function letterOf({ key, code }) {
  if (key.length === 1 && key > "\u007f" && code.startsWith("Key")) return code.slice(3).toLowerCase();
  return key.length === 1 ? key.toLowerCase() : key;
}

/** @param {EventTarget | null} target */
function isInDetail(target) {
  return target instanceof Element && target.closest('[data-part="detail"]') !== null;
}

/** Which alert's row the focus is in; none for an outage. @param {EventTarget | null} target */
function rowOf(target) {
  const row = target instanceof Element ? target.closest("article.row") : null;
  return row instanceof HTMLElement && row.dataset.kind !== "outage" ? (row.dataset.key ?? null) : null;
}

function focusSearch() {
  const field = part(document, "status").querySelector("input");
  field?.focus();
  field?.select();
}
