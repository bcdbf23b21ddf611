/**
 * The test of the alert path: its button, whether one is under way, and how the last one ended.
 *
 * @import { Drill, State } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { attribute, clone, icon, part, show, text } from "../dom.js";
import { fullTime, moment, plain, took } from "../format.js";
import { onPress } from "../keys.js";
import { t } from "../words.js";

/** @typedef {{ outcome: "none" | "running" | "passed" | "failed", words: string, more: string, icon: string | null }} Told */

/**
 * Puts the test into a place of the page.
 *
 * @param {HTMLElement} place
 * @param {Actions} act
 * @param {() => number} now
 */
export function drillView(place, act, now) {
  const root = clone("drill");
  place.replaceWith(root);
  const button = part(root, "drill-button");
  onPress(button, act.drill);
  let painted = /** @type {Drill | null} */ (null);

  /** @param {State} state */
  return function paint({ drill }) {
    if (drill === painted) return;
    painted = drill;
    const told = tellDrill(drill, now());
    attribute(root, "data-drill", told.outcome);
    text(part(root, "drill-words"), told.words);
    text(part(root, "drill-more"), told.more);
    show(part(root, "drill-more"), told.more !== "");
    const mark = root.querySelector("svg");
    if (mark) attribute(mark, "hidden", told.icon === null ? "" : null);
    if (told.icon) icon(root, told.icon);
    part(root, "drill-result").title = drill.view.last ? fullTime(drill.view.last.at) : "";
    const running = told.outcome === "running";
    text(button, running ? t("page.drill.busy") : t("page.drill.button"));
    attribute(button, "aria-disabled", running ? "true" : null);
  };
}

/**
 * How things stand with the test, in words.
 *
 * @param {Drill} drill
 * @param {number} now
 * @returns {Told}
 */
export function tellDrill({ view, asked, refused }, now) {
  if (asked || view.running) {
    return { outcome: "running", words: t("page.drill.running"), more: t("page.drill.running_more"), icon: "sending" };
  }
  if (refused !== null) return { outcome: "failed", words: t("page.drill.refused"), more: plain(refused, 300), icon: "refused" };
  const { last } = view;
  if (last === null) return { outcome: "none", words: t("page.drill.none"), more: t("page.drill.none_more"), icon: null };

  const at = moment(last.at, now);
  const more = plain(last.sentence, 300);
  if (!last.passed) return { outcome: "failed", words: t("page.drill.failed", { moment: at }), more, icon: "refused" };
  const words =
    last.took_ms === null
      ? t("page.drill.passed", { moment: at })
      : t("page.drill.passed_in", { moment: at, delay: took(last.took_ms) });
  return { outcome: "passed", words, more, icon: "check" };
}
