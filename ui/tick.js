/**
 * Keeps relative times true: once a second, every `data-tick` element says anew how long ago or how far ahead its
 * moment is. Nothing else is painted.
 */

import { text } from "./dom.js";
import { ago, duration, left } from "./format.js";
import { t } from "./words.js";

const FORMS = {
  ago,
  /** @type {(at: number, now: number) => string} */
  heard: (at, now) => t("page.status.heard", { ago: ago(at, now) }),
  /** @type {(at: number, now: number) => string} */
  next: (at, now) => (at <= now ? t("page.status.trying") : t("page.status.next", { left: left(at, now) })),
  /** @type {(at: number, now: number) => string} */
  lasting: (at, now) => t("page.outage.lasting", { duration: duration(Math.max(0, now - at)) }),
};

/**
 * Makes an element tell the age of a moment from now on; null empties it.
 *
 * @param {HTMLElement} element
 * @param {keyof typeof FORMS} form
 * @param {number | null} at
 * @param {number} now
 */
export function ticking(element, form, at, now) {
  if (at === null) {
    delete element.dataset.tick;
    text(element, "");
    return;
  }
  element.dataset.tick = form;
  element.dataset.at = String(at);
  text(element, FORMS[form](at, now));
}

/**
 * Starts the clock of the page.
 *
 * @param {() => number} now
 */
export function startTicking(now) {
  const tick = () => {
    const present = now();
    for (const element of document.querySelectorAll("[data-tick]")) {
      const { tick: form, at } = /** @type {HTMLElement} */ (element).dataset;
      if (form && Object.hasOwn(FORMS, form)) {
        text(element, FORMS[/** @type {keyof typeof FORMS} */ (form)](Number(at), present));
      }
    }
  };
  setInterval(() => document.hidden || tick(), 1_000);
  document.addEventListener("visibilitychange", () => document.hidden || tick());
}
