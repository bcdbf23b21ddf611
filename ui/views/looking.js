/**
 * Tells which incident a person has before them: the one that is open, in a window in front. Nothing pops up about it.
 */
export class InFront {
  #looks;
  #open = /** @type {string | null} */ (null);
  #told = /** @type {string | null} */ (null);

  /** @param {(id: string | null) => void} looks */
  constructor(looks) {
    this.#looks = looks;
    const again = () => this.#tell();
    document.addEventListener("visibilitychange", again);
    addEventListener("focus", again);
    addEventListener("blur", again);
  }

  /** This one is open now, or none is. @param {string | null} id */
  at(id) {
    this.#open = id;
    this.#tell();
  }

  /** The program knows of nothing that it was told. */
  forget() {
    this.#told = null;
    this.#tell();
  }

  #tell() {
    const before = document.hidden || !document.hasFocus() ? null : this.#open;
    if (before === this.#told) return;
    this.#told = before;
    this.#looks(before);
  }
}

/**
 * Tells whether a person has really looked at an incident: its picture was in sight, in a window in front, for a while.
 * Only then does it lose its mark.
 */

/** How long a look takes. */
const LOOK = 1_000;

export class Looking {
  #seen;
  #id = /** @type {string | null} */ (null);
  #timer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);

  /** @param {(id: string) => void} seen */
  constructor(seen) {
    this.#seen = seen;
    const again = () => this.#start();
    document.addEventListener("visibilitychange", again);
    addEventListener("focus", again);
    addEventListener("blur", again);
  }

  /** This incident, not seen yet, is in sight now. @param {string} id */
  at(id) {
    if (this.#id === id) return;
    this.#id = id;
    this.#start();
  }

  /** Nothing unseen is in sight. */
  stop() {
    this.#id = null;
    clearTimeout(this.#timer);
  }

  #start() {
    clearTimeout(this.#timer);
    if (this.#id === null || document.hidden || !document.hasFocus()) return;
    const id = this.#id;
    this.#timer = setTimeout(() => {
      this.#id = null;
      this.#seen(id);
    }, LOOK);
  }
}
