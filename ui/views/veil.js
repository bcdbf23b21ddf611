/**
 * Pictures that are blurred: all of them, from the moment that it is asked for. The one that is pointed at, or has the focus,
 * is shown again once the pointer or the focus moves.
 *
 * @import { State } from "../state.js"
 */

import { attribute } from "../dom.js";

const root = () => document.documentElement;

/** Whether pictures are blurred, or will be in a moment. @param {State | null} state */
export function isBlurred(state) {
  return Boolean((state?.wanted ?? state?.settings)?.blur);
}

/** Whether none is shown, not even the one that is pointed at. */
export function isVeiled() {
  return root().hasAttribute("data-veiled");
}

export function veilView() {
  const lift = () => attribute(root(), "data-veiled", null);
  addEventListener("pointermove", lift, { passive: true });
  addEventListener("focusin", lift);
  let painted = false;

  /** @param {State} state */
  return function paint(state) {
    const blurred = isBlurred(state);
    if (blurred === painted) return;
    painted = blurred;
    attribute(root(), "data-blur", blurred ? "" : null);
    attribute(root(), "data-veiled", blurred ? "" : null);
  };
}
