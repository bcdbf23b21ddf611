/**
 * The status bar: the one word, its evidence, and the one button that may help.
 *
 * @import { Drill, State } from "../state.js"
 * @import { Actions } from "../act.js"
 * @import { StatusView } from "../types.d.ts"
 */

import { attribute, icon, part, partOf, show, text } from "../dom.js";
import { fullTime, moment, plain } from "../format.js";
import { onPress } from "../keys.js";
import { ticking } from "../tick.js";
import { count, t } from "../words.js";
import { STATUS } from "./terms.js";

/** How long typing may pause before the feed is asked. */
const TYPING = 200;

/**
 * @param {Actions} act
 * @param {() => number} now
 */
export function statusView(act, now) {
  const bar = part(document, "status");
  const word = part(bar, "word");
  const remedy = part(bar, "remedy");
  const search = partOf(bar, "search", HTMLFormElement);
  const field = /** @type {HTMLInputElement} */ (search.elements.namedItem("search"));
  let painted = /** @type {StatusView | null} */ (null);
  let drilled = /** @type {Drill | null} */ (null);

  onPress(remedy, () => (painted?.remedy === "sign_in" ? act.go("sign_in") : act.retry()));
  onPress(part(bar, "report"), () => act.go("report"));
  onPress(part(bar, "settings"), () => act.go("settings"));

  let typing = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  const look = () => {
    clearTimeout(typing);
    act.search({ search: field.value.trim() });
  };
  field.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(look, TYPING);
  });
  // Who goes on at once is not kept waiting, and loses nothing.
  field.addEventListener("blur", look);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    if (field.value === "") field.blur();
    field.value = "";
    look();
  });
  search.addEventListener("submit", (event) => event.preventDefault());

  /** @param {State} state */
  return function paint(state) {
    show(bar, state.ready && state.session !== null);
    show(search, state.place === "feed");
    show(part(bar, "report"), state.place === "feed");
    show(part(bar, "settings"), state.place === "feed");
    if (state.drill !== drilled) text(part(bar, "drilled"), drillWords(state.drill, now()));
    drilled = state.drill;
    if (state.feed.query.search === "" && document.activeElement !== field) field.value = "";
    document.title =
      state.counts.unseen > 0 ? count("page.title.unseen", state.counts.unseen) : t("page.title.none");

    const { status } = state;
    show(remedy, Boolean(status?.remedy) && !(state.place === "sign_in" && status?.remedy === "sign_in"));
    if (status === null || status === painted) return;
    painted = status;
    attribute(bar, "data-status", status.status);
    attribute(bar, "data-by-record", isByRecord(status) ? "" : null);
    icon(bar, STATUS[status.status].icon);
    text(word, t(STATUS[status.status].word));
    text(part(bar, "sentence"), plain(status.sentence, 300));
    evidence(bar, status, now());
    attribute(remedy, "data-look", status.remedy === "sign_in" ? "main" : null);
    text(remedy, status.remedy === "sign_in" ? t("page.remedy.sign_in") : t("page.remedy.retry_now"));
  };
}

/** Protected, though alerts do not come over the connection: how they come is always said. @param {StatusView} status */
export function isByRecord({ status, record_every }) {
  return status === "protected" && record_every !== null;
}

/** @param {Drill} drill @param {number} now */
function drillWords({ view, asked }, now) {
  if (asked || view.running) return t("page.status.drill_running");
  if (view.last === null) return "";
  const values = { moment: moment(view.last.at, now) };
  return view.last.passed ? t("page.status.drill_passed", values) : t("page.status.drill_failed", values);
}

/**
 * @param {HTMLElement} bar
 * @param {StatusView} status
 * @param {number} now
 */
function evidence(bar, status, now) {
  const since = part(bar, "since");
  text(since, t("page.status.since", { moment: moment(status.since, now) }));
  since.title = fullTime(status.since);
  const waiting = status.status === "offline" && status.next_attempt_at !== null;
  ticking(part(bar, "heard"), "heard", waiting ? null : status.heard_at, now);
  ticking(part(bar, "next"), "next", waiting ? status.next_attempt_at : null, now);
}
