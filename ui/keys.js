/**
 * Tells a person's key from a barcode scanner's. A scanner is a keyboard that types a dozen characters within a few
 * milliseconds each and ends with Enter; wherever the focus happens to be, that must not press a button, send a form
 * or start a search.
 *
 * A person who means a button types nothing before it; whoever fills in a field pauses between characters.
 */

/** Enter or Space within this time after a character typed at no field is not meant for a button. */
const STRAY = 1_000;
/** A key this soon after another was not typed by a person reading the screen. */
const FAST = 50;
/** How many fast keys make a burst. */
const BURST = 4;
/** How long a press waits for the rest of a scan: a code may begin with the very key that presses. */
export const SETTLE = 120;

export class Scanner {
  #typedAt = -Infinity;
  #before = -Infinity;
  #strayAt = -Infinity;
  #fast = 0;
  #held = false;
  /** Enter is down. */
  #entering = false;
  /** Tab went down this long ago, and how many fields the fast keys have filled in by it. */
  #tabAt = -Infinity;
  #tabs = 0;

  /**
   * Sees every key that goes down, before anybody acts on it.
   *
   * @param {{ key: string, timeStamp: number, repeat: boolean, field: boolean }} key `field`: it goes into a text field
   */
  saw({ key, timeStamp, repeat, field }) {
    this.#held = repeat;
    this.#entering = key === "Enter";
    const character = [...key].length === 1;
    if (key === "Tab" && !repeat) this.#tabAt = timeStamp;
    if (repeat || (!character && key !== "Enter")) return;

    const tabbed = this.#fast > 0 && this.#tabAt > this.#typedAt;
    this.#fast = timeStamp - Math.max(this.#typedAt, this.#tabAt) <= FAST ? this.#fast + 1 : 0;
    this.#tabs = this.#fast === 0 ? 0 : this.#tabs + Number(tabbed && character);
    this.#before = this.#typedAt;
    this.#typedAt = timeStamp;
    if (character && key !== " " && !field) this.#strayAt = timeStamp;
  }

  /** Whether a key going down now would belong to a scan. @param {number} now */
  isTyping(now) {
    return this.#fast >= BURST && now - this.#typedAt <= SETTLE;
  }

  /** A key came up, or the pointer went down: whatever follows is not by an Enter that is down. */
  released() {
    this.#entering = false;
  }

  /**
   * Whether a form that is sent now is sent by a scanner's Enter. A slow computer comes to it long after the key, which is what
   * tells.
   *
   * @param {number} now
   */
  isScan(now) {
    return this.#entering ? this.isBurst : this.isTyping(now);
  }

  /** The fast keys filled in one field after the other, as a password manager does. */
  get fillsIn() {
    return this.#tabs > 0;
  }

  /** The key that went down last was meant: what follows is no scan. */
  meant() {
    this.#strayAt = -Infinity;
  }

  /** Whether a press by Enter or Space may not be meant; a key held down presses once. @param {number} now */
  isStray(now) {
    return this.#held || this.isTyping(now) || now - this.#strayAt <= STRAY;
  }

  /** Whether the key just pressed came close after another. */
  follows() {
    return this.#typedAt - this.#before <= SETTLE;
  }

  /** The keys that went down last, up to now, were a scanner's. */
  get isBurst() {
    return this.#fast >= BURST;
  }

  /** When the last character went down. */
  get typedAt() {
    return this.#typedAt;
  }
}

/** After a letter that did nothing, others mean nothing for so long: somebody is typing words that were meant for a field. */
const TYPING = 1_000;

/** Tells a letter that is meant to do something from one of a word. */
export class Letters {
  #last = { at: -Infinity, acted: true };

  /**
   * A letter went down at no field. What it does if anything, once it did it, is to be told by calling what is returned; null:
   * it belongs to a word.
   *
   * @param {number} at
   * @returns {(() => void) | null}
   */
  down(at) {
    const isOfWord = !this.#last.acted && at - this.#last.at <= TYPING;
    const letter = { at, acted: false };
    this.#last = letter;
    return isOfWord ? null : () => (letter.acted = true);
  }
}

const scanner = new Scanner();

/** Starts watching the keyboard. */
export function watchKeys() {
  addEventListener(
    "keydown",
    (event) => {
      const { key, timeStamp, repeat, target } = event;
      scanner.saw({ key, timeStamp, repeat, field: isField(target) });
    },
    { capture: true },
  );
  for (const name of ["keyup", "pointerdown"]) addEventListener(name, () => scanner.released(), { capture: true });
  addEventListener(
    "click",
    (event) => {
      const toggles = event.target instanceof HTMLInputElement && !isField(event.target);
      if (toggles && event.isTrusted && event.detail === 0 && scanner.isStray(event.timeStamp)) event.preventDefault();
    },
    { capture: true },
  );
}

/**
 * Runs an action when its button is pressed, unless a scanner pressed it. A press by the pointer acts at once; one by
 * the keyboard acts when no more keys follow.
 *
 * @param {HTMLElement} button
 * @param {() => void} act
 */
export function onPress(button, act) {
  button.addEventListener("click", (event) => {
    if (button.getAttribute("aria-disabled") === "true") return;
    if (event.detail > 0) act();
    else if (!scanner.isStray(event.timeStamp)) settled(act);
  });
}

/**
 * Runs an action when a form is sent, unless a scanner's Enter sent it: then it says so.
 *
 * @param {HTMLFormElement} form
 * @param {() => void} act
 * @param {() => void} doubt
 * @param {() => boolean} isFilledIn what the fields hold is no code, where something filled in several as fast as a scanner
 */
export function onSubmit(form, act, doubt, isFilledIn) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const isScan = scanner.isScan(event.timeStamp) && !(scanner.fillsIn && isFilledIn());
    if (isScan) doubt();
    else act();
  });
}

/**
 * Runs an action when something else is chosen or typed in a field of few values, unless a scanner's keys did that:
 * then the field goes back to what it was.
 *
 * @param {HTMLInputElement | HTMLSelectElement} field
 * @param {() => void} act
 */
export function onChoice(field, act) {
  let before = field.value;
  let settling = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  let scanned = false;
  /** @param {boolean} meant */
  const take = (meant) => {
    if (meant) act();
    else field.value = before;
    before = field.value;
    scanned = false;
  };
  field.addEventListener("focus", () => (before = field.value));
  field.addEventListener("change", (event) => {
    clearTimeout(settling);
    if (event.timeStamp - scanner.typedAt > SETTLE) return take(true);
    scanned ||= scanner.isBurst;
    settling = setTimeout(() => take(!scanned && !scanner.isBurst), SETTLE);
  });
}

/**
 * Runs an action once it is certain that the key just pressed stands alone.
 *
 * @param {() => void} act
 * @param {number} [settle] how long no other may follow
 */
export function alone(act, settle = SETTLE) {
  const meant = () => {
    scanner.meant();
    act();
  };
  if (!scanner.follows()) settled(meant, settle);
}

/** @param {() => void} act @param {number} [settle] */
function settled(act, settle = SETTLE) {
  const pressedAt = scanner.typedAt;
  setTimeout(() => {
    if (scanner.typedAt === pressedAt) act();
  }, settle);
}

/** Whether a key pressed now may be part of a scan. @param {KeyboardEvent} event */
export function isScan(event) {
  return scanner.isStray(event.timeStamp);
}

/**
 * Whether what is typed there is text.
 *
 * @param {EventTarget | null} target
 */
export function isField(target) {
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "submit"].includes(target.type);
}
