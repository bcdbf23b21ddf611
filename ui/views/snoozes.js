/**
 * The cameras that are not to interrupt for now: until when, by whom, and the way to end it.
 *
 * @import { SnoozeView } from "../types.d.ts"
 * @import { State } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { clone, keyed, part, show, text } from "../dom.js";
import { clock, plain } from "../format.js";
import { onPress } from "../keys.js";
import { t } from "../words.js";
import { focusCurrentRow } from "./feed.js";

/** What one press adds, in minutes. */
const MORE = 15;

/** @param {Actions} act */
export function snoozesView(act) {
  const root = part(document, "snoozes");
  let painted = /** @type {SnoozeView[] | null} */ (null);

  /** @param {State} state */
  return function paint({ snoozes }) {
    if (painted === snoozes) return;
    painted = snoozes;
    const focused = root.contains(document.activeElement);
    show(root, snoozes.length > 0);
    keyed(root, snoozes, (snooze) => snooze.camera, make, paintSnooze);
    if (focused && !root.contains(document.activeElement)) focusCurrentRow();
  };

  /** @param {SnoozeView} snooze */
  function make({ camera }) {
    const element = clone("snooze");
    onPress(part(element, "more"), () => act.extendSnooze(camera, MORE));
    onPress(part(element, "end"), () => act.endSnooze(camera));
    return element;
  }
}

/** @param {HTMLElement} element @param {SnoozeView} snooze */
function paintSnooze(element, { name, by, why, until }) {
  const camera = plain(name, 60);
  const time = clock(until);
  text(part(element, "camera"), camera);
  text(part(element, "until"), by === "" ? t("page.snooze.now", { time }) : t("page.snooze.by", { time, by: plain(by, 60) }));
  show(part(element, "why"), why !== null);
  text(part(element, "why"), plain(why ?? "", 80));
  part(element, "more").setAttribute("aria-label", t("page.snooze.more_of", { camera }));
  part(element, "end").setAttribute("aria-label", t("page.snooze.end_of", { camera }));
}
