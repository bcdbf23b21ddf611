/**
 * The focus is never lost: where what it was on goes away, it goes to what is nearest. It moves for no other reason.
 *
 * @import { State } from "../state.js"
 */

import { part } from "../dom.js";
import { isField } from "../keys.js";
import { focusCurrentRow } from "./feed.js";

const CONTROLS = 'button, input, select, summary, [tabindex="0"]';

export function focusView() {
  /** What the focus is on and what that is in, from the inside out: what is taken away knows it no more. */
  let path = /** @type {HTMLElement[]} */ ([]);
  document.addEventListener("focusin", ({ target }) => {
    path = [];
    for (let at = target; at instanceof HTMLElement && at !== document.body; at = at.parentElement) path.push(at);
  });
  document.addEventListener("focusout", ({ target }) => {
    if (target instanceof HTMLElement && isThere(target) && document.hasFocus()) path = [];
  });

  /** @param {State} state */
  return function paint({ place }) {
    const [on, ...around] = path;
    if (on === undefined || isThere(on)) return;
    const focused = document.activeElement;
    if (focused !== null && focused !== document.body && focused !== on) return;
    path = [];
    const left = around.map(({ dataset }) => /^(settings|report)-page$/.exec(dataset["part"] ?? "")?.[1]).find(Boolean);
    const home = around.find((element) => isThere(element) && controlIn(element) !== null);
    if (home) controlIn(home)?.focus();
    else if (place === "settings" || place === "report") part(document, `${place}-back`).focus();
    else if (place === "feed" && left) part(part(document, "status"), left).focus();
    else if (place === "feed") goToFeed();
    else if (place === "sign_in") goToForm();
  };
}

/** To the row that was left, or to what stands where there is none. */
function goToFeed() {
  const detail = part(document, "detail");
  focusCurrentRow();
  if (document.activeElement?.closest("article.row")) return;
  if (detail.hidden) controlIn(part(document, "alerts"))?.focus();
  else part(detail, "kind").focus({ preventScroll: true });
}

/** To the first field that is still empty. */
function goToForm() {
  const fields = [...part(document, "sign-in").querySelectorAll("input")];
  (fields.find(({ value }) => value === "") ?? fields[0])?.focus();
}

/** @param {HTMLElement} element */
function isThere(element) {
  return element.isConnected && element.closest("[hidden], [inert]") === null;
}

/** The first that can be used within, and a field only where there is nothing else. @param {HTMLElement} element */
function controlIn(element) {
  const all = /** @type {HTMLElement[]} */ ([...element.querySelectorAll(CONTROLS)]).filter(
    (control) => isThere(control) && control.getClientRects().length > 0 && !control.matches(":disabled"),
  );
  return all.find((control) => !isField(control)) ?? all[0] ?? null;
}
