/**
 * What narrows the list: one button that opens the choices, and what is chosen, each to be taken back. Narrowing hides nothing that
 * is not handled from the number that says so, which is the program's own.
 *
 * @import { Decision, IncidentKind, Severity, Who } from "../types.d.ts"
 * @import { Feed, Query } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { attribute, clone, keyed, part, partOf, show, text } from "../dom.js";
import { midnight, plain, time } from "../format.js";
import { onChoice, onPress } from "../keys.js";
import { dayAfter, readDay } from "../ledger.js";
import { beginOf, EVERYTHING } from "../listing.js";
import { t } from "../words.js";
import { DECISION, KIND, SEVERITY } from "./terms.js";

/** @typedef {"shop" | "camera" | "kind" | "severity" | "decision" | "who"} Choice */
/** @typedef {{ id: string, name: string }} Option */

/** What can be chosen wherever the journal is. @type {Readonly<Record<"kind" | "severity" | "decision" | "who", () => Option[]>>} */
const FIXED = {
  kind: () => Object.entries(KIND).map(([id, word]) => ({ id, name: t(word) })),
  severity: () => Object.entries(SEVERITY).map(([id, { word }]) => ({ id, name: t(word) })),
  decision: () => [{ id: OPEN, name: t("page.filter.unhandled") }, ...Object.entries(DECISION).map(([id, { done }]) => ({ id, name: t(done) }))],
  who: () => [
    { id: "me", name: t("page.filters.me") },
    { id: "others", name: t("page.filters.others") },
  ],
};
const CHOICES = /** @type {const} */ (["shop", "camera", "kind", "severity", "decision", "who"]);
/** What nobody has decided on is a list of its own. */
const OPEN = "open";

/**
 * @param {HTMLElement} root
 * @param {Actions} act
 * @param {() => number} now
 */
export function filterView(root, act, now) {
  const button = part(root, "filter-button");
  const panel = part(root, "filters");
  const chosen = part(root, "chosen");
  const date = partOf(panel, "go-to", HTMLInputElement);
  const names = /** @type {Map<string, string>} */ (new Map());
  let painted = /** @type {Feed | null} */ (null);

  onPress(button, () => setOpen(panel.hasAttribute("hidden")));
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    setOpen(false);
    button.focus();
  });
  for (const choice of CHOICES) {
    const select = selectOf(choice);
    onChoice(select, () => act.search(choiceOf(choice, select.value === "" ? null : select.value, painted)));
  }
  onChoice(date, () => {
    const start = readDay(date.value);
    // The last moment of that day: what is older is below it.
    if (start !== null) act.goTo(dayAfter(start, 1) - 1);
  });
  onPress(part(root, "clear-filters"), () => {
    if (painted) act.search({ ...EVERYTHING, search: painted.query.search });
    button.focus();
  });

  /** @param {boolean} open */
  function setOpen(open) {
    show(panel, open);
    attribute(button, "aria-expanded", String(open));
  }

  /** @param {Choice} choice */
  function selectOf(choice) {
    return /** @type {HTMLSelectElement} */ (part(panel, `filter-${choice}`).querySelector("select"));
  }

  /** @param {Feed} feed */
  return function paint(feed) {
    if (painted !== null && painted.query === feed.query && painted.shops === feed.shops && painted.cameras === feed.cameras && painted.previous === feed.previous && painted.items[0] === feed.items[0]) return;
    painted = feed;
    const options = { shop: feed.shops, camera: feed.cameras, ...mapped(FIXED) };
    for (const choice of CHOICES) {
      const value = valueOf(feed.query, choice);
      for (const { id, name } of options[choice]) names.set(`${choice} ${id}`, plain(name, 60));
      show(part(panel, `filter-${choice}`), options[choice].length > 1 || value !== null || choice in FIXED);
      paintOptions(selectOf(choice), options[choice], value, names.get(`${choice} ${value}`) ?? value ?? "");
    }
    paintChosen(feed);
  };

  /** @param {Feed} feed */
  function paintChosen({ query, previous, items }) {
    /** @type {{ id: string, name: string, undo: () => void }[]} */
    const chips = [];
    for (const choice of CHOICES) {
      const value = valueOf(query, choice);
      // The list of what nobody has decided on says so itself.
      if (value === null || value === OPEN) continue;
      const undo = () => act.search(choiceOf(choice, null, painted));
      chips.push({ id: choice, name: names.get(`${choice} ${value}`) ?? plain(value, 60), undo });
    }
    const { since, until } = query;
    if (since !== null && until !== null) {
      chips.push({ id: "time", name: time(since, until, now()), undo: () => act.search({ since: null, until: null }) });
    }
    const narrows = chips.length;
    const first = items[0];
    if (previous !== null && first) {
      const start = midnight(beginOf(first));
      chips.push({ id: "place", name: t("page.filters.from", { day: time(start, dayAfter(start, 1), now()) }), undo: () => act.goTo(null) });
    }
    const focused = document.activeElement;
    const held = focused instanceof HTMLElement && chosen.contains(focused);
    keyed(chosen, chips, ({ id }) => id, makeChip, (element, { name, undo }) => {
      text(part(element, "name"), name);
      const remove = part(element, "remove");
      attribute(remove, "aria-label", t("page.filters.remove", { what: name }));
      undoes.set(remove, undo);
    });
    show(part(root, "chosen-line"), chips.length > 0);
    show(part(root, "clear-filters"), narrows > 1);
    attribute(button, "data-chosen", narrows > 0 ? "" : null);
    if (held && !focused.isConnected) (chosen.querySelector("button") ?? button).focus();
  }
}

/** What a chip's button takes back. @type {WeakMap<HTMLElement, () => void>} */
const undoes = new WeakMap();

function makeChip() {
  const chip = clone("chosen");
  const remove = part(chip, "remove");
  onPress(remove, () => undoes.get(remove)?.());
  return chip;
}

/** @param {Query} query @param {Choice} choice */
function valueOf(query, choice) {
  if (choice === "decision" && query.filter === "unhandled") return OPEN;
  return query[choice];
}

/** What is asked for after a choice. @param {Choice} choice @param {string | null} value @param {Feed | null} feed @returns {Partial<Query>} */
function choiceOf(choice, value, feed) {
  switch (choice) {
    case "shop":
    case "camera":
      return { [choice]: value };
    case "kind":
      return { kind: /** @type {IncidentKind | null} */ (value) };
    case "severity":
      return { severity: /** @type {Severity | null} */ (value) };
    case "who":
      return { who: /** @type {Who | null} */ (value), ...handledToo(feed) };
    case "decision":
      if (value === OPEN) return { filter: "unhandled", decision: null, who: null };
      return { decision: /** @type {Decision | null} */ (value), ...handledToo(feed) };
  }
}

/** Who asks for a decision wants what is handled. @param {Feed | null} feed @returns {Partial<Query>} */
function handledToo(feed) {
  return feed?.query.filter === "unhandled" ? { filter: "all" } : {};
}

/** @param {typeof FIXED} fixed */
function mapped(fixed) {
  return { kind: fixed.kind(), severity: fixed.severity(), decision: fixed.decision(), who: fixed.who() };
}

/**
 * One choice for all, one for each; the chosen one stays, though there may be none of it left.
 *
 * @param {HTMLSelectElement} select
 * @param {Option[]} options
 * @param {string | null} value
 * @param {string} name
 */
function paintOptions(select, options, value, name) {
  const all = [{ id: "", name: t("page.filters.any") }, ...options];
  if (value !== null && !options.some(({ id }) => id === value)) all.push({ id: value, name });
  if (select.options.length !== all.length || all.some(({ id }, at) => select.options[at]?.value !== id)) {
    select.replaceChildren(...all.map(({ id }) => Object.assign(document.createElement("option"), { value: id })));
  }
  all.forEach(({ name }, at) => {
    const option = select.options[at];
    if (option) text(option, plain(name, 60));
  });
  select.value = value ?? "";
}
