/**
 * One incident large: what happened, why it matters, and what may be done about it. Its pictures are the stage's.
 *
 * @import { AlertView, Decision, Handling, IncidentDetail } from "../types.d.ts"
 * @import { Shown, State } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { attribute, clone, icon, keyed, part, show, text } from "../dom.js";
import { clock, delay, duration, exactClock, fullTime, midnight, moment, plain } from "../format.js";
import { onPress } from "../keys.js";
import { isOpen } from "../listing.js";
import { alertOf, handlingOf } from "../state.js";
import { ticking } from "../tick.js";
import { t } from "../words.js";
import { focusCurrentRow } from "./feed.js";
import { Looking } from "./looking.js";
import { handlingWords, pictures } from "./row.js";
import { stageView } from "./stage.js";
import { KIND, SEVERITY } from "./terms.js";

/** A delay beyond this says that a clock is wrong, not that the alert was slow. */
const BELIEVABLE = 7 * 24 * 3_600_000;

/**
 * @param {Actions} act
 * @param {() => number} now
 */
export function detailView(act, now) {
  const root = part(document, "detail");
  const looking = new Looking(act.seen);
  const paintStage = stageView(root, act, looking);
  let painted = /** @type {State | null} */ (null);
  let id = "";

  const close = () => {
    act.close();
    requestAnimationFrame(focusCurrentRow);
  };
  onPress(part(root, "back"), close);
  onPress(part(root, "acknowledge"), () => act.decide(id, "acknowledged"));
  onPress(part(root, "false-alarm"), () => act.decide(id, "false_alarm"));
  onPress(part(root, "dismiss"), () => {
    act.dismiss(id);
    act.close();
    requestAnimationFrame(() => focusNeighbour(id));
  });

  /** @param {State} state */
  function paint(state) {
    const { shown } = state;
    show(root, shown !== null);
    if (painted?.shown === shown && painted?.deciding === state.deciding && painted?.settings === state.settings && painted?.status?.status === state.status?.status) return;
    painted = state;
    if (shown === null) {
      looking.stop();
      paintStage(null, state);
      return;
    }
    id = shown.id;
    root.dataset.phase = shown.phase;
    paintStage(shown, state);
    if (shown.detail) paintWords(root, shown.detail, alertOf(shown), now());
    else paintWaiting(root, shown);
    paintActions(root, state, shown);
  }

  return { paint, close, focus: () => part(root, "kind").focus({ preventScroll: true }) };
}

/**
 * @param {HTMLElement} root
 * @param {Shown} shown
 */
function paintWaiting(root, shown) {
  text(part(root, "kind"), shown.phase === "failed" ? t("page.detail.failed") : t("page.detail.loading"));
  show(part(root, "severity"), false);
  ticking(part(root, "age"), "ago", null, 0);
  text(part(root, "place"), "");
  text(part(root, "why"), shown.phase === "failed" ? plain(shown.sentence, 300) : "");
  show(part(root, "text"), false);
  part(root, "facts").replaceChildren();
}

/**
 * @param {HTMLElement} root
 * @param {IncidentDetail} detail
 * @param {AlertView | null} alert
 * @param {number} now
 */
function paintWords(root, { incident, text: words }, alert, now) {
  const { severity } = incident;
  text(part(root, "kind"), t(KIND[incident.kind]));
  const badge = part(root, "severity");
  show(badge, true);
  attribute(badge, "data-severity", severity);
  icon(badge, SEVERITY[severity].icon);
  text(part(badge, "severity-word"), t(SEVERITY[severity].word));

  ticking(part(root, "age"), "ago", incident.last_at, now);

  const place = [incident.camera, incident.shop].filter((name) => name !== null).map((name) => plain(name, 60));
  const lasted = incident.last_at - incident.first_at;
  const line = [place.join(", "), beganAt(incident.first_at, now)];
  if (lasted >= 1_000) line.push(t("page.detail.lasted", { duration: duration(lasted) }));
  line.push(pictures(incident));
  text(part(root, "place"), line.join(" · "));
  text(part(root, "why"), t(SEVERITY[severity].why, { why: plain(incident.why, 200) }));

  show(part(root, "text"), words !== null && plain(words) !== "");
  text(part(root, "text"), plain(words ?? "", 600));
  keyed(part(root, "facts"), facts(incident, alert), (fact) => fact.name, () => clone("fact"), paintFact);
}

/** @param {number} at @param {number} now */
function beganAt(at, now) {
  return at >= midnight(now) ? exactClock(at) : moment(at, now);
}

/** @typedef {{ name: string, value: string, title?: string }} Fact */

/**
 * @param {IncidentDetail["incident"]} incident
 * @param {AlertView | null} alert
 * @returns {Fact[]}
 */
function facts(incident, alert) {
  /** @type {Fact[]} */
  const list = [];
  if (incident.person !== null) list.push({ name: t("page.fact.person"), value: plain(incident.person, 60) });
  if (alert === null) return list;

  const { detected_at, received_at } = alert;
  if (detected_at !== null) {
    list.push({ name: t("page.fact.detected"), value: exactClock(detected_at), title: fullTime(detected_at) });
  }
  list.push({ name: t("page.fact.received"), value: exactClock(received_at), title: fullTime(received_at) });
  const late = detected_at === null ? -1 : received_at - detected_at;
  if (late >= 0 && late < BELIEVABLE) list.push({ name: t("page.fact.delay"), value: delay(late) });
  list.push({ name: t("page.fact.source"), value: alert.source === "live" ? t("page.source.live") : t("page.source.history") });
  return list;
}

/**
 * @param {HTMLElement} element
 * @param {Fact} fact
 */
function paintFact(element, fact) {
  const [term, value] = element.children;
  if (!(term && value instanceof HTMLElement)) return;
  text(term, fact.name);
  value.title = fact.title ?? "";
  text(value, fact.value);
}

/**
 * @param {HTMLElement} root
 * @param {State} state
 * @param {Shown} shown
 */
function paintActions(root, state, shown) {
  const incident = shown.detail?.incident ?? null;
  show(part(root, "actions"), incident !== null);
  if (incident === null) return;
  const handling = handlingOf(state, incident);
  const away = state.status?.status === "offline" || state.status?.status === "signed_out";

  const line = part(root, "handling");
  attribute(line, "data-handling", handling.state);
  text(part(line, "handling-words"), sentence(handling, away));
  icon(line, handlingWords(handling).icon ?? "info");
  show(line, handling.state !== "open");

  paintDecision(part(root, "acknowledge"), "acknowledged", handling, t("page.decide.acknowledge"), t("page.decide.acknowledged"));
  paintDecision(part(root, "false-alarm"), "false_alarm", handling, t("page.decide.false_alarm"), t("page.decide.false_alarm_done"));
  attribute(part(root, "acknowledge"), "data-look", isOpen(handling) ? "main" : null);
}

/**
 * A button never says that something is done before the server has it, and never vanishes under the focus.
 *
 * @param {HTMLElement} button
 * @param {Decision} decision
 * @param {Handling} handling
 * @param {string} todo
 * @param {string} done
 */
function paintDecision(button, decision, handling, todo, done) {
  const recorded = handling.state === "recorded" ? handling.decision : null;
  const last = recorded === "false_alarm" || recorded === "resolved";
  const idle = handling.state === "sending" || recorded === decision || last;
  text(button, recorded === decision ? done : todo);
  attribute(button, "aria-disabled", idle ? "true" : null);
}

/**
 * @param {Handling} handling
 * @param {boolean} away
 */
function sentence(handling, away) {
  switch (handling.state) {
    case "open":
      return "";
    case "sending":
      return away ? t("page.handling.kept") : t("page.handling.sending");
    case "recorded":
      return t("page.handling.at", { done: handlingWords(handling).words, time: clock(handling.at) });
    case "refused":
      return plain(handling.sentence, 300);
  }
}

/** Puts the focus on the row after one that is about to go. @param {string} id */
function focusNeighbour(id) {
  const row = [...part(document, "rows").children].find((row) => row instanceof HTMLElement && row.dataset.key === id);
  const next = row?.nextElementSibling ?? row?.previousElementSibling;
  if (next instanceof HTMLElement) next.focus();
  else focusCurrentRow();
}

