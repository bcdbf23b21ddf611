/**
 * Where the page scrolls as a whole, for want of height: what is opened begins at its top, and the list is where it was
 * left.
 *
 * @import { State } from "../state.js"
 */

import { part, partOf } from "../dom.js";

/** Whether there is so little height that the page scrolls as a whole. */
export const short = matchMedia(partOf(document, "short", HTMLLinkElement).media);

export function scrollingView() {
  const page = document.scrollingElement ?? document.documentElement;
  const pane = part(document, "pane");
  let shown = "list";
  let left = 0;

  document.addEventListener("scroll", () => {
    if (shown === "list") left = page.scrollTop;
  });

  /** @param {State} state */
  return function paint({ place, shown: detail }) {
    const now = place !== "feed" ? place : detail === null ? "list" : detail.id;
    if (now === shown) return;
    shown = now;
    if (!short.matches) return;
    if (now === "list") page.scrollTop = left;
    else if (place === "feed") pane.scrollIntoView({ block: "start" });
    else page.scrollTop = 0;
  };
}
