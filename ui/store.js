/**
 * Holds the state and tells when it is time to paint: once per frame, however many events came in. Only an alert after a
 * frame without one does not wait for the next, so that its picture is asked for at once. A page that is not visible is not
 * painted until it is.
 *
 * @import { Event } from "./types.d.ts"
 * @import { Action, State } from "./state.js"
 */

import { INITIAL, reduce } from "./state.js";

export class Store {
  #state = INITIAL;
  #scheduled = false;
  #changed = false;
  #painters = /** @type {((state: State) => void)[]} */ ([]);
  #witnesses = /** @type {((before: State, after: State, event: Event | Action) => void)[]} */ ([]);

  get state() {
    return this.#state;
  }

  /** Called with the state once a frame, when it changed. @param {(state: State) => void} painter */
  onPaint(painter) {
    this.#painters.push(painter);
  }

  /** Called at once for every event. @param {(before: State, after: State, event: Event | Action) => void} witness */
  onEvent(witness) {
    this.#witnesses.push(witness);
  }

  /** @param {Event | Action} event */
  dispatch(event) {
    const before = this.#state;
    this.#state = reduce(before, event);
    for (const witness of this.#witnesses) witness(before, this.#state, event);
    if (this.#state === before) return;
    this.#changed = true;
    if (event.type === "alert_added" && !this.#scheduled && !document.hidden) this.#paint();
    this.#schedule();
  }

  /** The program's present, by the page's clock. */
  now() {
    return Date.now() + this.#state.ahead;
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      if (this.#changed) this.#paint();
    });
  }

  #paint() {
    this.#changed = false;
    for (const painter of this.#painters) painter(this.#state);
  }
}
