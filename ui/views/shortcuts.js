/**
 * The keys that work everywhere, and the list of them. A key acts when nothing else is typed around it, so that no scan
 * decides anything; in a text field all keys are text.
 *
 * @import { State } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { part, show } from "../dom.js";
import { alone, isField, onPress } from "../keys.js";
import { neighbour } from "../listing.js";
import { focusCurrentRow, reveal } from "./feed.js";

/**
 * @param {() => State} state
 * @param {Actions} act
 * @param {ReturnType<typeof import("./detail.js").detailView>} detail
 */
export function shortcuts(state, act, detail) {
  const list = /** @type {HTMLDialogElement} */ (part(document, "keys"));
  onPress(part(list, "keys-close"), () => list.close());
  onPress(part(document, "keys-open"), toggle);

  /** What a key does to what is looked at. @type {Readonly<Record<string, () => void>>} */
  const LOOKED_AT = {
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    a: () => detail.decide("acknowledged"),
    r: () => detail.decide("resolved"),
    f: () => detail.decide("false_alarm"),
    n: detail.note,
  };

  function toggle() {
    if (list.open) list.close();
    else list.showModal();
  }

  /** Opens the alert below or above. @param {1 | -1} step */
  function move(step) {
    const { feed, shown } = state();
    const next = neighbour(feed, shown?.id ?? null, step);
    if (next === null) return;
    act.open(next);
    requestAnimationFrame(() => reveal(next));
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
    const { place, shown } = state();
    if (event.key === "Escape") return escape(place, shown !== null);
    if (isField(event.target) || place === "sign_in") return;
    if (event.key === "?") return alone(toggle);
    if (place !== "feed" || list.open) return;

    const key = letterOf(event);
    const does = LOOKED_AT[key];
    if (key === "/") {
      event.preventDefault();
      alone(focusSearch);
    } else if (does && (!isArrow(key) || isInDetail(event.target))) {
      event.preventDefault();
      // A key held down acts once.
      if (!event.repeat) alone(does);
    } else if (["PageDown", "PageUp"].includes(key) && event.target === document.body) {
      event.preventDefault();
      focusCurrentRow();
    }
  });

  /** @param {State["place"]} place @param {boolean} open */
  function escape(place, open) {
    if (list.open) return;
    if (place === "settings" || place === "report") {
      act.go("feed");
      requestAnimationFrame(() => part(part(document, "status"), place).focus());
    } else if (place === "feed" && open) {
      detail.close();
    }
  }

  /** @param {State} state */
  return function paint({ ready, place }) {
    show(part(document, "keys-open"), ready && place === "feed");
  };
}

/** The key, and of a keyboard with other letters the one at its place. @param {KeyboardEvent} event */
function letterOf({ key, code }) {
  if (key.length === 1 && key > "\u007f" && code.startsWith("Key")) return code.slice(3).toLowerCase();
  return key.length === 1 ? key.toLowerCase() : key;
}

/** @param {string} key */
function isArrow(key) {
  return key.startsWith("Arrow");
}

/** @param {EventTarget | null} target */
function isInDetail(target) {
  return target instanceof Element && target.closest('[data-part="pane"]') !== null;
}

function focusSearch() {
  const field = part(document, "status").querySelector("input");
  field?.focus();
  field?.select();
}
