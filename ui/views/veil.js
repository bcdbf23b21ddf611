/**
 * Pictures that are blurred: all of them, from the moment that it is asked for. The one that is pointed at is shown again once
 * the pointer moves, and the one that has the focus once that moves.
 *
 * @import { State } from "../state.js"
 */

import { attribute } from "../dom.js";

const root = () => document.documentElement;
/** What is told to the document when the pointer shows pictures again. */
export const LIFTED = "veil-lifted";

/** Whether pictures are blurred, or will be in a moment. They are shown once the program has taken that. @param {State | null} state */
export function isBlurred(state) {
  return Boolean(state?.settings?.blur || state?.wanted?.blur);
}

/** Whether the pointer shows none. */
export function isVeiled() {
  return root().hasAttribute("data-veil-pointer");
}

export function veilView() {
  addEventListener(
    "pointermove",
    () => {
      if (!isVeiled()) return;
      attribute(root(), "data-veil-pointer", null);
      document.dispatchEvent(new Event(LIFTED));
    },
    { passive: true },
  );
  addEventListener("focusin", () => attribute(root(), "data-veil-focus", null));
  let painted = false;

  /** @param {State} state */
  return function paint(state) {
    const blurred = isBlurred(state);
    if (blurred === painted) return;
    painted = blurred;
    for (const name of ["data-blur", "data-veil-pointer", "data-veil-focus"]) attribute(root(), name, blurred ? "" : null);
  };
}
