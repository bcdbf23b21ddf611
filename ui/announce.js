/**
 * What a screen reader is told, and when. One short sentence at a time in a standing region; a storm becomes a count.
 * Only being signed out and being deaf interrupt.
 *
 * @import { Event, Incident, SnoozeView, StatusView } from "./types.d.ts"
 * @import { Action, State } from "./state.js"
 */

import { clock, plain } from "./format.js";
import { count, t } from "./words.js";
import { DECISION, KIND, SEVERITY, STATUS } from "./views/terms.js";

/** The least time between two sentences. */
const PAUSE = 3_000;

/**
 * What an event is worth saying.
 *
 * @param {State} before
 * @param {State} after
 * @param {Event | Action} event
 * @returns {{ incident: Incident } | { polite: string } | { urgent: string } | null}
 */
export function worthSaying(before, after, event) {
  if (event.type === "alert_added") return event.incident.alerts <= 1 ? { incident: event.incident } : null;
  if (event.type === "incident_changed") return outcome(before, event.incident);
  if (event.type === "decided_each" && event.incidents.length > 0) {
    const decision = t(DECISION[event.decision].done);
    return { polite: count("page.say.several", event.incidents.length, { decision }) };
  }
  if (event.type === "opened" && event.next) return follows(after, event.id);
  if (event.type === "decide_failed" || event.type === "decide_each_failed" || event.type === "drill_refused") return { polite: plain(event.sentence) };
  if (event.type === "evidence") return event.evidence.phase === "saving" ? null : { polite: plain(event.evidence.sentence, 600) };
  if (event.type === "snoozes") return snoozed(before, event.snoozes);
  if (event.type === "drill" || event.type === "drill_done") return drilled(before, after);
  if (event.type === "status" || event.type === "started" || event.type === "fell_silent" || event.type === "beat") return turn(before.status, after.status);
  return null;
}

/** What is open now without having been asked for. @param {State} state @param {string} id */
function follows(state, id) {
  const incident = known(state, id);
  if (incident === null) return null;
  return { polite: t("page.say.next", { kind: t(KIND[incident.kind]), camera: plain(incident.camera, 60) }) };
}

/**
 * @param {State} before
 * @param {Incident} incident
 */
function outcome(before, incident) {
  const { handling } = incident;
  const waited = before.deciding[incident.id] ?? known(before, incident.id)?.handling;
  if (handling.state === "recorded" && handling.here && waited?.state === "sending") {
    return { polite: t("page.say.recorded", { camera: plain(incident.camera, 60) }) };
  }
  const ours = waited?.state === "sending" ? waited.decision : null;
  if (handling.state === "recorded" && !handling.here && ours !== null && ours !== handling.decision) {
    return { polite: t("page.say.overruled", { camera: plain(incident.camera, 60) }) };
  }
  if (handling.state === "refused" && waited?.state !== "refused") return { polite: plain(handling.sentence) };
  return null;
}

/**
 * A camera that does not interrupt from now on, or until another time, or does again.
 *
 * @param {State} before
 * @param {SnoozeView[]} snoozes
 */
function snoozed({ snoozes: before }, snoozes) {
  const of = (/** @type {SnoozeView[]} */ list, /** @type {string} */ camera) => list.find((snooze) => snooze.camera === camera);
  const changed = snoozes.find(({ camera, until }) => of(before, camera)?.until !== until);
  if (changed) return { polite: t("page.snooze.until", { camera: plain(changed.name, 60), time: clock(changed.until) }) };
  const over = before.find(({ camera }) => !of(snoozes, camera));
  return over ? { polite: t("page.snooze.over", { camera: plain(over.name, 60) }) } : null;
}

/**
 * How a test of the alert path ended that was under way, or made by itself.
 *
 * @param {State} before
 * @param {State} after
 */
function drilled({ drill: before }, { drill: after }) {
  const { last } = after.view;
  if (after.view.running || last === null || last.at === before.view.last?.at) return null;
  const outcome = last.passed ? t("page.say.drill_passed") : t("page.say.drill_failed");
  return { polite: `${outcome} ${plain(last.sentence)}` };
}

/**
 * @param {State} state
 * @param {string} id
 */
function known(state, id) {
  const item = state.feed.items.find((item) => item.type === "incident" && item.id === id);
  return item?.type === "incident" ? item : null;
}

/**
 * @param {StatusView | null} before
 * @param {StatusView | null} after
 */
function turn(before, after) {
  if (after === null || after.status === before?.status) return null;
  const sentence = `${t(STATUS[after.status].word)}. ${plain(after.sentence, 300)}`;
  if (after.status === "deaf" || after.status === "signed_out") return { urgent: sentence };
  return before === null ? null : { polite: sentence };
}

/** Says what is worth saying, in the two standing regions of the page. */
export class Announcer {
  #status;
  #alert;
  #arrived = /** @type {Incident[]} */ ([]);
  #busy = false;

  /**
   * @param {HTMLElement} status `role="status"`
   * @param {HTMLElement} alert `role="alert"`
   */
  constructor(status, alert) {
    this.#status = status;
    this.#alert = alert;
  }

  /**
   * @param {State} before
   * @param {State} after
   * @param {Event | Action} event
   */
  hear(before, after, event) {
    const words = worthSaying(before, after, event);
    if (event.type === "status" && before.status?.status !== after.status?.status) this.#alert.textContent = "";
    if (words === null) return;
    if ("urgent" in words) this.#alert.textContent = words.urgent;
    else if ("polite" in words) this.#status.textContent = words.polite;
    else this.#arrivals(words.incident);
  }

  /** @param {Incident} incident */
  #arrivals(incident) {
    this.#arrived.push(incident);
    if (!this.#busy) this.#say();
  }

  #say() {
    const arrived = this.#arrived;
    this.#arrived = [];
    this.#busy = arrived.length > 0;
    if (arrived[0] === undefined) return;

    this.#status.textContent =
      arrived.length === 1 ? arrival(arrived[0]) : count("page.say.arrived", arrived.length);
    setTimeout(() => this.#say(), PAUSE);
  }
}

/**
 * One alert in a sentence.
 *
 * @param {Incident} incident
 */
export function arrival(incident) {
  const said = t("page.say.new", {
    kind: t(KIND[incident.kind]),
    camera: plain(incident.camera, 60),
    severity: t(SEVERITY[incident.severity].word),
  });
  return incident.late ? `${said} ${plain(incident.late.sentence)}` : said;
}
