/**
 * Choosing several alerts of the list, and deciding on them as one act: by Shift and Ctrl with a click, by the box on each picture,
 * and by the keyboard. What is chosen and scrolls out of the document stays chosen; what leaves the list does not.
 *
 * @import { Decision } from "../types.d.ts"
 * @import { State } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { attribute, part, show, text } from "../dom.js";
import { plain } from "../format.js";
import { onPress } from "../keys.js";
import { neighbour } from "../listing.js";
import { chosen, ofOneCamera } from "../selection.js";
import { count, t } from "../words.js";
import { focusCurrentRow } from "./feed.js";

/** @type {readonly { name: string, decision: Decision }[]} */
const DECISIONS = [
  { name: "selection-acknowledge", decision: "acknowledged" },
  { name: "selection-false-alarm", decision: "false_alarm" },
  { name: "selection-resolve", decision: "resolved" },
];

/**
 * @param {Actions} act
 * @param {() => State} state
 */
export function selectionView(act, state) {
  const bar = part(document, "selection");
  const rows = part(document, "rows");
  let painted = /** @type {State | null} */ (null);
  let stream = /** @type {string | null} */ (null);

  for (const { name, decision } of DECISIONS) onPress(part(bar, name), () => act.decideEach(decision));
  onPress(part(bar, "selection-none"), act.unselect);
  onPress(part(bar, "selection-camera"), () => act.selectAll(stream));

  // A stretch of rows is no stretch of text.
  rows.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault(), { capture: true });
  rows.addEventListener(
    "click",
    (event) => {
      const id = idOf(event.target);
      const box = event.target instanceof Element && event.target.closest('[data-part="check"]') !== null;
      if (id === null || !(event.shiftKey || event.ctrlKey || event.metaKey || box)) return;
      event.stopPropagation();
      if (event.shiftKey) act.stretch(id, state().shown?.id ?? null);
      else act.toggle(id);
      rowOf(event.target)?.focus();
    },
    { capture: true },
  );
  rows.addEventListener(
    "keydown",
    (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step === undefined || !event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      stretch(step === 1 ? 1 : -1);
    },
    { capture: true },
  );

  /** Chooses one row more, below or above the last; where none is chosen, from the row that the keyboard is at. @param {1 | -1} step */
  function stretch(step) {
    const { feed, selection, shown } = state();
    const at = idOf(document.activeElement) ?? shown?.id ?? null;
    const from = chosen(feed, selection).length > 0 ? (selection.head ?? selection.anchor ?? at) : at;
    const next = neighbour(feed, from, step);
    if (from === null && next !== null) return act.toggle(next);
    if (from === null || next === null) return;
    act.stretch(next, from);
    const row = rowWith(next);
    row?.scrollIntoView({ block: "nearest" });
    if (rowOf(document.activeElement)) row?.focus();
  }

  /** Chooses the row that the keyboard is at, or the alert that is open, or no longer. */
  function toggle() {
    const at = idOf(document.activeElement) ?? state().shown?.id ?? null;
    if (at !== null && state().feed.items.some((item) => item.id === at)) act.toggle(at);
  }

  /** @param {string} id */
  function rowWith(id) {
    return /** @type {HTMLElement[]} */ ([...rows.children]).find((row) => row.dataset.key === id);
  }

  /** @param {State} state */
  function paint(state) {
    if (painted?.selection === state.selection && painted.feed === state.feed) return;
    const was = painted === null ? 0 : painted.selection.ids.size;
    painted = state;
    const { feed, selection } = state;
    const incidents = chosen(feed, selection);
    const has = incidents.length > 0;
    if (!has && bar.contains(document.activeElement)) focusCurrentRow();
    show(bar, has);
    attribute(rows, "data-choosing", has ? "" : null);
    if (has || was > 0 || rows.querySelector("[data-chosen]")) paintRows(selection.ids);
    if (!has) return;
    text(part(bar, "selection-count"), count("page.select.count", incidents.length));
    const one = ofOneCamera(feed, incidents);
    stream = one?.stream ?? null;
    show(part(bar, "selection-camera"), one !== null);
    const camera = plain(incidents[0]?.camera ?? "", 40);
    if (one) text(part(bar, "selection-camera"), t("page.select.camera", { n: one.listed, camera }));
  }

  /** @param {ReadonlySet<string>} ids */
  function paintRows(ids) {
    for (const row of rows.children) {
      if (!(row instanceof HTMLElement) || row.dataset.kind === "outage") continue;
      const is = ids.has(row.dataset.key ?? "");
      attribute(row, "data-chosen", is ? "" : null);
      attribute(part(row, "check"), "aria-checked", String(is));
    }
  }

  return { paint, stretch, toggle };
}

/** @param {EventTarget | null} target */
function rowOf(target) {
  const row = target instanceof Element ? target.closest("article.row") : null;
  return row instanceof HTMLElement && row.dataset.kind !== "outage" ? row : null;
}

/** @param {EventTarget | null} target */
function idOf(target) {
  return rowOf(target)?.dataset.key ?? null;
}
