/**
 * Standing remarks under the status bar, and what just went wrong.
 *
 * @import { NoticeView } from "../types.d.ts"
 * @import { State } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { attribute, clone, keyed, part, show, text } from "../dom.js";
import { plain } from "../format.js";
import { onPress } from "../keys.js";

/** The key of what just went wrong. */
const MISHAP = "mishap";

/** What may be why somebody is asked to sign in who did so before. */
const AT_SIGN_IN = ["data_dir", "settings_bad"];

/** @param {Actions} act */
export function noticesView(act) {
  const root = part(document, "notices");
  let painted = /** @type {State | null} */ (null);
  // What is to be scrolled is reached by the keyboard, too, in every browser.
  const scrolls = () => attribute(root, "tabindex", root.scrollHeight > root.clientHeight + 1 ? "0" : null);
  new ResizeObserver(scrolls).observe(root);

  /** @param {State} state */
  return function paint(state) {
    if (painted?.notices === state.notices && painted?.mishap === state.mishap && painted?.place === state.place) return;
    painted = state;
    const mishap = state.mishap === null ? [] : [{ code: MISHAP, sentence: state.mishap, closable: true }];
    const notices =
      state.place === "sign_in" ? state.notices.filter(({ code }) => AT_SIGN_IN.includes(code)) : [...mishap, ...state.notices];
    show(root, notices.length > 0);
    keyed(root, notices, (notice) => notice.code, make, (element, notice) => {
      text(part(element, "sentence"), plain(notice.sentence, 300));
    });
    scrolls();
  };

  /** @param {NoticeView} notice */
  function make(notice) {
    const element = clone("notice");
    const close = part(element, "close");
    show(close, notice.closable);
    onPress(close, () => (notice.code === MISHAP ? act.forget() : act.closeNotice(notice.code)));
    if (notice.code === MISHAP) element.setAttribute("role", "status");
    return element;
  }
}
