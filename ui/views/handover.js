/**
 * What happened since this person last looked, in one line that stays until it is closed.
 *
 * @import { Handover } from "../types.d.ts"
 * @import { State } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { part, show, text } from "../dom.js";
import { duration, moment } from "../format.js";
import { onPress } from "../keys.js";
import { count, t } from "../words.js";
import { focusCurrentRow } from "./feed.js";

/** @param {Actions} act @param {() => number} now */
export function handoverView(act, now) {
  const root = part(document, "handover");
  let painted = /** @type {Handover | null} */ (null);
  onPress(part(root, "handover-show"), () => {
    act.search({ filter: "unhandled" });
    leave();
  });
  onPress(part(root, "handover-close"), leave);

  function leave() {
    const focused = root.contains(document.activeElement);
    act.closeHandover();
    if (focused) requestAnimationFrame(focusCurrentRow);
  }

  /** @param {State} state */
  return function paint({ handover, place }) {
    show(root, handover !== null && place === "feed");
    if (painted === handover) return;
    painted = handover;
    if (handover === null) return;
    text(part(root, "handover-since"), t("page.handover.since", { moment: moment(handover.since, now()) }));
    text(part(root, "handover-what"), sentence(handover));
    show(part(root, "handover-show"), handover.unhandled + handover.reopened_elsewhere > 0);
  };
}

/** @param {Handover} handover */
export function sentence({ incidents, unhandled, decided_elsewhere: decided, reopened_elsewhere: reopened, outages, offline_ms }) {
  const parts = [incidents === 0 ? t("page.handover.none") : count("page.handover.incidents", incidents)];
  if (unhandled > 0) parts.push(count("page.handover.unhandled", unhandled));
  else if (incidents > 0) parts.push(t("page.handover.all_handled"));
  if (decided > 0) parts.push(count("page.handover.decided", decided));
  if (reopened > 0) parts.push(count("page.handover.reopened", reopened));
  if (outages > 0) parts.push(count("page.handover.outages", outages, { duration: duration(offline_ms) }));
  return parts.join(" · ");
}
