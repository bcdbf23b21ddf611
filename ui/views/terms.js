/**
 * The words and drawings of the program's own terms, each in one place.
 *
 * @import { Decision, Disposition, IncidentKind, Severity, Source, Status } from "../types.d.ts"
 */

/** @type {Record<Status, { word: string, icon: string }>} */
export const STATUS = {
  protected: { word: "page.status.protected", icon: "shield-check" },
  catching_up: { word: "page.status.catching_up", icon: "shield-clock" },
  deaf: { word: "page.status.deaf", icon: "shield-alert" },
  offline: { word: "page.status.offline", icon: "shield-slash" },
  signed_out: { word: "page.status.signed_out", icon: "shield" },
};

/** @type {Record<Severity, { word: string, why: string, icon: string }>} */
export const SEVERITY = {
  high: { word: "page.severity.high", why: "page.why.high", icon: "severity-high" },
  medium: { word: "page.severity.medium", why: "page.why.medium", icon: "severity-medium" },
  low: { word: "page.severity.low", why: "page.why.low", icon: "severity-low" },
};

/** @type {Record<Source, string>} */
export const SOURCE = {
  live: "page.source.live",
  history: "page.source.history",
};

/** @type {Record<IncidentKind, string>} */
export const KIND = {
  theft: "page.kind.theft",
  intrusion: "page.kind.intrusion",
  other: "page.kind.other",
};

/** @type {Record<Decision, { done: string, icon: string }>} */
export const DECISION = {
  acknowledged: { done: "page.decision.acknowledged", icon: "check" },
  resolved: { done: "page.decision.resolved", icon: "check" },
  false_alarm: { done: "page.decision.false_alarm", icon: "false-alarm" },
  reopened: { done: "page.decision.reopened", icon: "reopen" },
};

/** What can have come of it, by decision, in the order in which it is offered. */
export const OUTCOMES = /** @type {const} */ ({
  resolved: ["police_called", "goods_recovered", "sent_away", "staff_saw_to_it", "nothing_found"],
  false_alarm: ["staff_member", "own_goods", "camera_or_light", "nobody_there", "other"],
});

/** @type {Record<Disposition, string>} */
export const OUTCOME = {
  police_called: "outcome.police_called",
  goods_recovered: "outcome.goods_recovered",
  sent_away: "outcome.sent_away",
  staff_saw_to_it: "outcome.staff_saw_to_it",
  nothing_found: "outcome.nothing_found",
  staff_member: "outcome.staff_member",
  own_goods: "outcome.own_goods",
  camera_or_light: "outcome.camera_or_light",
  nobody_there: "outcome.nobody_there",
  other: "outcome.other",
};
