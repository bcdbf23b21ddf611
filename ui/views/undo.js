/**
 * What was done a moment ago, in one line, and the button that takes it back.
 *
 * @import { State } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { part, show, text } from "../dom.js";
import { plain } from "../format.js";
import { onPress } from "../keys.js";
import { undoable } from "../state.js";
import { count, t } from "../words.js";
import { focusCurrentRow } from "./feed.js";
import { DECISION } from "./terms.js";

/** A clock that is set back makes nothing last longer. */
const LONGEST = 20_000;

/**
 * @param {Actions} act
 * @param {() => number} now
 */
export function undoView(act, now) {
  const root = part(document, "undo");
  const button = part(root, "undo-button");
  let painted = /** @type {State | null} */ (null);
  let over = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  /** What the line says, which is what its button takes back. @type {ReturnType<typeof undoable>} */
  let said = null;
  onPress(button, () => act.undo(said));

  function hide() {
    const focused = root.contains(document.activeElement);
    show(root, false);
    if (focused) focusCurrentRow();
  }

  /** @param {State} state */
  return function paint(state) {
    if (painted?.done === state.done && painted.place === state.place) return;
    painted = state;
    clearTimeout(over);
    const done = state.place === "feed" ? undoable(state, now()) : null;
    said = done;
    if (done === null) return hide();
    text(part(root, "undo-sentence"), sentence(done));
    text(part(root, "undo-word"), "decision" in done ? t("page.undo.undo") : t("page.undo.bring_back"));
    show(root, true);
    const again = () => {
      painted = null;
      paint(state);
    };
    over = setTimeout(again, Math.min(Math.max(0, done.until - now()), LONGEST));
  };
}

/** @param {State["done"][number]} done */
function sentence(done) {
  if ("at" in done) return count("page.undo.cleared", done.incidents);
  const decision = t(DECISION[done.decision].done);
  if ("ids" in done) return count("page.undo.several", done.ids.length, { decision });
  return t("page.undo.decided", { decision, camera: plain(done.camera, 60) });
}
