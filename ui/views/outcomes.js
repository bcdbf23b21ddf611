/**
 * What came of an alert, or what a false alarm was: offered beside the button that decides, and said with one more key or click.
 * Nobody has to say it. A digit takes a choice only while they are open and nothing else is typed around it.
 *
 * @import { Disposition, Incident } from "../types.d.ts"
 */

import { attribute, clone, keyed, part, show, text } from "../dom.js";
import { alone, onPress } from "../keys.js";
import { t } from "../words.js";
import { OUTCOME, OUTCOMES } from "./terms.js";

/** How long a digit waits that may be the first of a code. */
const LATER = 400;

/** @typedef {keyof typeof OUTCOMES} Settled what can be decided and have an outcome */

/** The button that asks, by decision. @type {Record<Settled, { ask: string, after: string, label: string }>} */
const ASKS = {
  resolved: { ask: "resolve-more", after: "resolve", label: "page.outcome.resolved" },
  false_alarm: { ask: "false-alarm-more", after: "false-alarm", label: "page.outcome.false_alarm" },
};

/**
 * @param {HTMLElement} root
 * @param {(decision: Settled, outcome: Disposition) => void} say
 */
export function outcomesView(root, say) {
  const group = part(root, "outcomes");
  const choices = part(group, "outcome-choices");
  let open = /** @type {Settled | null} */ (null);
  let painted = /** @type {Incident | null} */ (null);

  const settled = /** @type {Settled[]} */ (Object.keys(ASKS));
  for (const decision of settled) onPress(part(root, ASKS[decision].ask), () => toggle(decision));
  group.addEventListener("keydown", (event) => {
    const { key, ctrlKey, metaKey, altKey, repeat } = event;
    if (ctrlKey || metaKey || altKey) return;
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[key];
    if (key === "Escape") leave();
    else if (step !== undefined) move(step);
    else if (/^[1-5]$/.test(key) && !repeat) take(Number(key) - 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  /** @param {number} index */
  function take(index) {
    const [about, decision] = [painted?.id, open];
    const outcome = decision && OUTCOMES[decision][index];
    if (outcome) alone(() => painted?.id === about && open === decision && choose(outcome), LATER);
  }

  /** @param {Disposition} outcome */
  function choose(outcome) {
    if (open === null) return;
    const decision = open;
    leave();
    say(decision, outcome);
  }

  /** @param {number} step */
  function move(step) {
    const buttons = [...choices.querySelectorAll("button")];
    const at = buttons.findIndex((button) => button === document.activeElement);
    buttons[(at + step + buttons.length) % buttons.length]?.focus();
  }

  /** Opens the choices of a decision, or closes them. @param {Settled} decision */
  function toggle(decision) {
    if (open === decision) return leave();
    if (part(root, ASKS[decision].ask).getAttribute("aria-disabled") === "true") return;
    open = decision;
    render();
    choices.querySelector("button")?.focus();
  }

  function leave() {
    if (open === null) return;
    const { after } = ASKS[open];
    close();
    part(root, after).focus();
  }

  function close() {
    if (open === null) return;
    open = null;
    render();
  }

  function render() {
    show(group, open !== null);
    for (const decision of settled) attribute(part(root, ASKS[decision].ask), "aria-expanded", String(open === decision));
    const offered = open === null ? [] : OUTCOMES[open].map((outcome, index) => ({ outcome, index }));
    text(part(group, "outcomes-label"), open === null ? "" : t(ASKS[open].label));
    keyed(choices, offered, ({ outcome }) => outcome, make, (button, { outcome, index }) => {
      text(part(button, "digit"), String(index + 1));
      text(part(button, "outcome"), t(OUTCOME[outcome]));
    });
    for (const button of choices.querySelectorAll("button")) {
      attribute(button, "aria-pressed", String(painted?.outcome === button.dataset.key));
    }
  }

  /** @param {{ outcome: Disposition, index: number }} offered */
  function make({ outcome, index }) {
    const button = clone("outcome");
    attribute(button, "aria-keyshortcuts", String(index + 1));
    onPress(button, () => choose(outcome));
    return button;
  }

  /** @param {Incident | null} incident @param {(decision: Settled) => boolean} can */
  function paint(incident, can) {
    const differs = painted?.outcome !== incident?.outcome;
    painted = incident;
    for (const decision of settled) attribute(part(root, ASKS[decision].ask), "aria-disabled", can(decision) ? null : "true");
    if (open !== null && !can(open)) close();
    else if (differs) render();
  }

  return { paint, toggle, close };
}
