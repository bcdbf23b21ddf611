/**
 * The picture as large as it fits and never larger than it is, the box around the person, and the strip of all pictures
 * of the incident.
 *
 * @import { AlertView } from "../types.d.ts"
 * @import { Shown, State } from "../state.js"
 * @import { Actions } from "../act.js"
 * @import { Looking } from "./looking.js"
 */

import { frameUrl } from "../core.js";
import { attribute, clone, keyed, part, partOf, show, text } from "../dom.js";
import { exactClock, plain } from "../format.js";
import { beganAt } from "../ledger.js";
import { alertOf } from "../state.js";
import { t } from "../words.js";
import { isBlurred, isVeiled, LIFTED } from "./veil.js";

/**
 * @param {HTMLElement} root
 * @param {Actions} act
 * @param {Looking} looking
 */
export function stageView(root, act, looking) {
  const stage = part(root, "stage");
  const picture = part(root, "picture");
  const strip = part(root, "strip");
  const reveal = part(root, "reveal");
  const remark = part(root, "remark");
  let image = partOf(picture, "frame", HTMLImageElement);
  /** What is meant to be on the stage, and what is. */
  let wanted = /** @type {{ incident: string, alert: string } | null} */ (null);
  let loaded = /** @type {string | null} */ (null);
  /** The alert whose picture could not be loaded. */
  let failed = /** @type {string | null} */ (null);
  let painted = /** @type {State | null} */ (null);

  reveal.addEventListener("click", () => {
    attribute(reveal, "aria-pressed", String(reveal.getAttribute("aria-pressed") !== "true"));
    attribute(stage, "data-revealed", reveal.getAttribute("aria-pressed") === "true" ? "" : null);
    look();
  });
  stage.addEventListener("pointerenter", look);
  document.addEventListener(LIFTED, look);
  strip.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (button) act.choose(button.dataset.key ?? "");
  });
  strip.addEventListener("keydown", (event) => {
    const from = event.target instanceof HTMLElement ? event.target : null;
    const to = event.key === "ArrowRight" ? from?.nextElementSibling : event.key === "ArrowLeft" ? from?.previousElementSibling : null;
    if (!(to instanceof HTMLElement)) return;
    event.preventDefault();
    to.focus();
    act.choose(to.dataset.key ?? "");
  });

  /** Counts as looked at: the picture, or the news that there is none, in plain sight. */
  function look() {
    const incident = painted?.shown?.detail?.incident;
    const alert = painted?.shown ? alertOf(painted.shown) : null;
    if (!incident || incident.seen) return looking.stop();
    const isPointedAt = !isVeiled() && stage.matches(":hover");
    const blurred = isBlurred(painted) && !stage.hasAttribute("data-revealed") && !isPointedAt;
    const inSight = alert === null || alert.frame === null || failed === alert.id || (loaded === alert.id && !blurred);
    if (inSight) looking.at(incident.id);
    else looking.stop();
  }

  /** @param {Shown} shown @param {AlertView} alert */
  function place(shown, alert) {
    const fresh = wanted?.incident !== shown.id;
    if (!fresh && wanted?.alert === alert.id) return;
    wanted = { incident: shown.id, alert: alert.id };
    if (fresh) clear();
    if (alert.frame === null) return clear();

    const next = new Image();
    next.dataset.part = "frame";
    next.draggable = false;
    next.onload = () => {
      if (wanted?.alert !== alert.id) return;
      image.replaceWith(next);
      image = next;
      loaded = alert.id;
      paintFrame(alert, next);
      look();
    };
    next.onerror = () => {
      if (wanted?.alert !== alert.id) return;
      clear();
      failed = alert.id;
      // Why may be known already, or comes with the alert's next account.
      note(why(painted?.shown ? (alertOf(painted.shown) ?? alert) : alert));
      look();
    };
    next.src = frameUrl(alert.id);
  }

  function clear() {
    loaded = null;
    failed = null;
    show(remark, false);
    image.removeAttribute("src");
    show(picture, false);
  }

  /** @param {AlertView} alert @param {HTMLImageElement} frame */
  function paintFrame(alert, frame) {
    root.style.setProperty("--frame-width", String(frame.naturalWidth));
    root.style.setProperty("--frame-height", String(frame.naturalHeight));
    show(picture, true);
    note(null);
    paintRemark(alert);
    const camera = plain(painted?.shown?.detail?.incident.camera ?? "", 60);
    frame.alt = t("page.detail.picture", { camera, time: exactClock(beganAt(alert)) });

    const box = part(picture, "box");
    const bounds = alert.frame?.bounding_box ?? null;
    show(box, bounds !== null);
    if (bounds === null) return;
    // In the picture's own pixels: it may be shown smaller than it is.
    const { width, height } = alert.frame ?? { width: frame.naturalWidth, height: frame.naturalHeight };
    const [x, y, w, h] = inside(bounds, width, height);
    box.style.setProperty("inset", `${y}% auto auto ${x}%`);
    box.style.setProperty("inline-size", `${w}%`);
    box.style.setProperty("block-size", `${h}%`);
  }

  /** What there is to say about a picture that is shown. @param {AlertView} alert */
  function paintRemark(alert) {
    show(remark, alert.frame_problem !== null);
    text(remark, alert.frame_problem === null ? "" : plain(alert.frame_problem, 200));
  }

  /** @param {string | null} words */
  function note(words) {
    show(part(stage, "stage-note"), words !== null);
    text(part(stage, "stage-sentence"), words ?? "");
  }

  /** @param {Shown} shown @param {AlertView | null} current */
  function paintStrip(shown, current) {
    const alerts = shown.detail?.alerts ?? [];
    show(strip, alerts.length > 1);
    keyed(strip, alerts.length > 1 ? alerts : [], (alert) => alert.id, () => clone("strip-frame"), (button, alert, index) => {
      const values = { n: index + 1, all: alerts.length, time: exactClock(beganAt(alert)) };
      attribute(button, "aria-label", t("page.detail.strip_frame", values));
      attribute(button, "aria-pressed", String(alert === current));
      attribute(button, "tabindex", alert === current ? "0" : "-1");
      attribute(button, "data-empty", alert.frame === null ? "" : null);
      const thumb = partOf(button, "frame", HTMLImageElement);
      show(thumb, alert.frame !== null);
      if (alert.frame !== null) attribute(thumb, "src", frameUrl(alert.id));
    });
    const chosen = strip.querySelector('[aria-pressed="true"]');
    if (chosen instanceof HTMLElement && !strip.matches(":hover")) {
      const middle = chosen.offsetLeft - (strip.clientWidth - chosen.offsetWidth) / 2;
      strip.scrollTo({ left: middle });
    }
  }

  /** @param {Shown | null} shown @param {State} state */
  return function paint(shown, state) {
    if (shown?.id !== painted?.shown?.id || (isBlurred(state) && !isBlurred(painted))) {
      attribute(reveal, "aria-pressed", "false");
      attribute(stage, "data-revealed", null);
    }
    painted = state;
    if (shown === null || shown.detail === null) {
      wanted = null;
      clear();
      note(null);
      show(strip, false);
      show(reveal, false);
      return;
    }
    const alert = alertOf(shown);
    show(reveal, isBlurred(state) && alert?.frame !== null);
    attribute(stage, "data-severity", shown.detail.incident.severity);
    if (alert) place(shown, alert);
    if (alert?.frame === null) note(alert.frame_problem === null ? t("page.detail.no_picture") : plain(alert.frame_problem, 200));
    if (alert && failed === alert.id) note(why(alert));
    if (alert && loaded === alert.id) paintRemark(alert);
    paintStrip(shown, alert);
    look();
  };
}

/** Why a picture that should be there is not seen. @param {AlertView} alert */
function why(alert) {
  return alert.frame_problem === null ? t("page.detail.gone") : plain(alert.frame_problem, 200);
}

/**
 * A box in percent of its picture, cut off at the edges.
 *
 * @param {readonly [number, number, number, number]} box
 * @param {number} width
 * @param {number} height
 * @returns {[number, number, number, number]}
 */
export function inside([x, y, w, h], width, height) {
  /** @param {number} value @param {number} size */
  const percent = (value, size) => Math.min(100, Math.max(0, (100 * value) / size || 0));
  const left = percent(x, width);
  const top = percent(y, height);
  return [left, top, percent(x + w, width) - left, percent(y + h, height) - top];
}
