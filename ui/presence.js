/**
 * Whether somebody is at the page, by what they press, click and bring to the front: who comes back after a while is told
 * what happened meanwhile.
 */

/** Who did nothing for so long was away. */
const AWAY = 60 * 60_000;
/** While somebody is there, that is told so often at most. */
const EVERY = 5 * 60_000;

export class Presence {
  #came;
  #stays;
  #activeAt = -Infinity;
  #toldAt = -Infinity;

  /**
   * @param {() => void} came
   * @param {() => void} stays
   */
  constructor(came, stays) {
    this.#came = came;
    this.#stays = stays;
  }

  /** Somebody did something. @param {number} now of a clock that nobody sets */
  active(now) {
    const wasAway = now - this.#activeAt >= AWAY;
    this.#activeAt = now;
    if (!wasAway && now - this.#toldAt < EVERY) return;
    this.#toldAt = now;
    if (wasAway) this.#came();
    else this.#stays();
  }

  /** Another person may be there: the next that is done is their coming. */
  forget() {
    this.#activeAt = -Infinity;
  }
}
