/**
 * One incident large: what happened, why it matters, and what may be done about it. Its pictures are the stage's.
 *
 * @import { AlertView, Decision, Disposition, Handling, HoursView, Incident, IncidentDetail, SnoozeLength } from "../types.d.ts"
 * @import { Shown, State } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { attribute, clone, icon, keyed, part, partOf, show, text } from "../dom.js";
import { clock, duration, exactClock, fullTime, midnight, moment, plain, took } from "../format.js";
import { onPress } from "../keys.js";
import { beganAt as detectedAt, delayOf } from "../ledger.js";
import { happened, isMoreOpen, isOpen, nextOpen } from "../listing.js";
import { alertOf, handlingOf } from "../state.js";
import { ticking } from "../tick.js";
import { t } from "../words.js";
import { focusCurrentRow, reveal } from "./feed.js";
import { Looking } from "./looking.js";
import { outcomesView } from "./outcomes.js";
import { handlingWords, pictures } from "./row.js";
import { stageView } from "./stage.js";
import { DECISION, KIND, OUTCOME, SEVERITY, SOURCE } from "./terms.js";

/** One that opened by itself is not decided on before it was there for so long: a second click is not meant for it. */
const GLANCE = 500;

/** A camera can be snoozed until the shop closes, or opens, if that is no further away: a day. */
const LONGEST_UNTIL = 86_400_000;
/** For how many minutes a camera is snoozed, unless something else is chosen. */
const USUAL = 15;

/** What can be decided, by button. */
const DECISIONS = /** @type {const} */ ([
  { name: "acknowledge", decision: "acknowledged", todo: "page.decide.acknowledge", done: "page.decide.acknowledged" },
  { name: "false-alarm", decision: "false_alarm", todo: "page.decide.false_alarm", done: "page.decide.false_alarm_done" },
  { name: "resolve", decision: "resolved", todo: "page.decide.resolve", done: "page.decide.resolved" },
]);

/**
 * @param {Actions} act
 * @param {() => number} now
 * @param {() => State} state
 */
export function detailView(act, now, state) {
  const root = part(document, "detail");
  const looking = new Looking(act.seen);
  const paintStage = stageView(root, act, looking);
  let painted = /** @type {State | null} */ (null);
  let id = "";
  /** When an alert last opened by itself. */
  let followedAt = -Infinity;
  const field = part(root, "note-field");
  const note = /** @type {HTMLInputElement} */ (field.querySelector("input"));
  const toggle = part(root, "note-toggle");
  const lengths = part(root, "snooze-choices");
  const snoozeToggle = part(root, "snooze-toggle");
  const outcomes = outcomesView(root, say);

  /**
   * Decides, and keeps what was written until it is stored. What was open makes room for the next that is.
   *
   * @param {Decision} decision
   * @param {Disposition | null} [outcome]
   */
  async function decide(decision, outcome = null) {
    if (performance.now() - followedAt < GLANCE) return;
    const about = id;
    const incident = state().shown?.detail?.incident;
    if (incident?.id !== about || isDecided(handlingOf(state(), incident), decision)) return;
    const wasOpen = isOpen(handlingOf(state(), incident));
    if (!(await act.decide(about, decision, note.value, outcome)) || state().shown?.id !== about) return;
    setNote(false);
    outcomes.close();
    if (wasOpen) await follow(about);
  }

  /** Says what came of it: with the decision, or afterwards. @param {"resolved" | "false_alarm"} decision @param {Disposition} outcome */
  function say(decision, outcome) {
    const incident = state().shown?.detail?.incident;
    if (incident?.id !== id) return;
    const handling = handlingOf(state(), incident);
    if (!isDecided(handling, decision)) decide(decision, outcome);
    else if (isSo(handling, decision)) act.note(id, "", outcome);
  }

  /** Opens the next that nobody has decided on, also where it is not in the list yet. @param {string} about */
  async function follow(about) {
    const isLookedAt = () => state().place === "feed" && state().shown?.id === about;
    let next = nextOpen(state(), about);
    while (next === null && isLookedAt() && isMoreOpen(state()) && (await act.more())) next = nextOpen(state(), about);
    if (next === null && isLookedAt() && isMoreOpen(state()) && state().feed.previous !== null) {
      await act.goTo(null);
      next = nextOpen(state(), about);
    }
    if (next === null || !isLookedAt()) return;
    const found = next;
    followedAt = performance.now();
    const focused = document.activeElement;
    const [inDetail, inRows] = [root.contains(focused), Boolean(focused?.closest("article.row"))];
    act.open(found, true);
    requestAnimationFrame(() => {
      reveal(found, inRows);
      if (inDetail && !root.contains(document.activeElement)) focus();
    });
  }

  /** @param {boolean} open */
  function setNote(open) {
    show(field, open);
    attribute(toggle, "aria-expanded", String(open));
    note.value = open ? (state().shown?.detail?.note ?? "") : "";
  }

  /** @param {boolean} open */
  function setSnooze(open) {
    show(lengths, open);
    attribute(snoozeToggle, "aria-expanded", String(open));
    if (!open) why.value = "";
  }

  const close = () => {
    act.close();
    requestAnimationFrame(focusCurrentRow);
  };
  onPress(part(root, "back"), close);
  for (const { name, decision } of DECISIONS) onPress(part(root, name), () => decide(decision));
  onPress(part(root, "reopen"), () => decide("reopened"));
  onPress(part(root, "note-save"), async () => {
    const about = id;
    if (note.value.trim() !== "" && !(await act.note(about, note.value, null))) return;
    if (id === about) leaveNote();
  });
  const leaveNote = () => {
    setNote(false);
    toggle.focus();
  };
  const write = () => {
    if (toggle.getAttribute("aria-disabled") === "true") return;
    setNote(true);
    note.focus();
  };
  onPress(toggle, () => (toggle.getAttribute("aria-expanded") === "true" ? setNote(false) : write()));
  onEscape(field, leaveNote);
  onPress(part(root, "save-evidence"), () => act.saveEvidence(id));
  const isAsked = () => snoozeToggle.getAttribute("aria-expanded") === "true";
  const ask = () => {
    if (snoozeToggle.hidden || snoozeToggle.getAttribute("aria-disabled") === "true") return;
    setSnooze(true);
    /** @type {HTMLElement | null} */ (lengths.querySelector(`[data-minutes="${USUAL}"]`))?.focus();
  };
  const leave = () => {
    setSnooze(false);
    snoozeToggle.focus();
  };
  const why = partOf(root, "snooze-why", HTMLInputElement);
  /** @param {SnoozeLength} length */
  const snoozeFor = (length) => {
    act.snooze(id, length, why.value.trim() || null);
    leave();
  };
  /** Its key asks for how long, and pressed once more takes what is usual. */
  const snooze = () => (isAsked() ? snoozeFor({ minutes: USUAL }) : ask());
  onPress(snoozeToggle, () => (isAsked() ? setSnooze(false) : ask()));
  onEscape(lengths, leave);
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (lengths.querySelectorAll("[data-minutes]"))) {
    const minutes = Number(button.dataset.minutes);
    text(button, t("page.snooze.minutes", { n: minutes }));
    onPress(button, () => snoozeFor({ minutes }));
  }
  onPress(part(root, "snooze-until"), () => snoozeFor(state().hours?.open ? "closing" : "opening"));
  onPress(part(root, "dismiss"), () => {
    const next = rowBeside(id);
    if (state().shown?.detail?.incident.cleared) act.bringBack({ which: "one", incident: id });
    else act.dismiss(id);
    act.close();
    requestAnimationFrame(() => (next?.isConnected ? next.focus() : focusCurrentRow()));
  });

  /** @param {State} state */
  function paint(state) {
    const { shown } = state;
    show(root, shown !== null);
    if (painted !== null && sameFor(painted, state)) return;
    painted = state;
    if (shown === null) {
      id = "";
      looking.stop();
      paintStage(null, state);
      return;
    }
    if (id !== shown.id) {
      setNote(false);
      setSnooze(false);
      outcomes.close();
    }
    id = shown.id;
    root.dataset.phase = shown.phase;
    paintStage(shown, state);
    if (shown.detail) paintWords(root, shown.detail, state, now());
    else paintWaiting(root, shown);
    paintActions(root, state, shown);
    paintSnoozeUntil(part(root, "snooze-until"), state.hours, now());
    outcomes.paint(shown.detail?.incident ?? null, (decision) => {
      const incident = shown.detail?.incident;
      if (!incident) return false;
      const handling = handlingOf(state, incident);
      return !isDecided(handling, decision) || isSo(handling, decision);
    });
  }

  const focus = () => part(root, "kind").focus({ preventScroll: true });

  return { paint, close, decide, outcomes: outcomes.toggle, note: write, snooze, focus };
}

/**
 * Nothing that is shown here differs.
 *
 * @param {State} one
 * @param {State} other
 */
function sameFor(one, other) {
  const keys = /** @type {const} */ (["shown", "deciding", "overruled", "settings", "wanted", "snoozes", "hours", "evidence"]);
  return keys.every((key) => one[key] === other[key]) && one.status?.status === other.status?.status;
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
 * @param {State} state
 * @param {number} now
 */
function paintWords(root, detail, { shown }, now) {
  const { incident, text: words } = detail;
  const { severity } = incident;
  text(part(root, "kind"), t(KIND[incident.kind]));
  const badge = part(root, "severity");
  show(badge, true);
  attribute(badge, "data-severity", severity);
  icon(badge, SEVERITY[severity].icon);
  text(part(badge, "severity-word"), t(SEVERITY[severity].word));

  const { from, to } = happened(incident);
  ticking(part(root, "age"), "ago", to, now);

  const place = [incident.camera, incident.shop].filter((name) => name !== null).map((name) => plain(name, 60));
  const line = [place.join(", "), beganAt(from, now)];
  if (to - from >= 1_000) line.push(t("page.detail.lasted", { duration: duration(to - from) }));
  if (incident.late) line.push(plain(incident.late.sentence).replace(/\.$/, ""));
  line.push(pictures(incident));
  text(part(root, "place"), line.join(" · "));
  text(part(root, "why"), t(SEVERITY[severity].why, { why: plain(incident.why, 200) }));

  show(part(root, "text"), words !== null && plain(words) !== "");
  text(part(root, "text"), plain(words ?? "", 600));
  keyed(part(root, "facts"), facts(detail, shown && alertOf(shown)), (fact) => fact.key ?? fact.name, () => clone("fact"), paintFact);
}

/** @param {number} at @param {number} now */
function beganAt(at, now) {
  return at >= midnight(now) ? exactClock(at) : moment(at, now);
}

/** @typedef {{ name: string, value: string, key?: string, title?: string, wide?: boolean }} Fact */

/**
 * @param {IncidentDetail} detail
 * @param {AlertView | null} alert
 * @returns {Fact[]}
 */
function facts({ incident, note, note_waits, notes }, alert) {
  /** @type {Fact[]} */
  const list = [];
  if (incident.outcome !== null) list.push({ name: t("page.fact.outcome"), value: t(OUTCOME[incident.outcome]) });
  if (incident.person !== null) list.push({ name: t("page.fact.person"), value: plain(incident.person, 60) });
  if (note !== null) {
    const name = note_waits && incident.handling.state !== "sending" ? t("page.fact.note_waits") : t("page.fact.note");
    list.push({ name, value: plain(note, 500), wide: true });
  }
  for (const [index, { text, by }] of notes.entries()) {
    const name = by === null ? t("page.fact.note_there") : t("page.fact.note_by", { name: plain(by, 60) });
    list.push({ key: `note ${index}`, name, value: plain(text, 500), wide: true });
  }
  if (alert === null) return list;

  const { detected_at, received_at } = alert;
  if (detected_at !== null) {
    const detected = detectedAt(alert);
    list.push({ name: t("page.fact.detected"), value: exactClock(detected), title: fullTime(detected) });
  }
  list.push({ name: t("page.fact.received"), value: exactClock(received_at), title: fullTime(received_at) });
  const late = delayOf(alert);
  if (late !== null) list.push({ name: t("page.fact.delay"), value: took(late) });
  list.push({ name: t("page.fact.source"), value: t(SOURCE[alert.source]) });
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
  attribute(element, "data-wide", fact.wide ? "" : null);
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
  const toggles = ["note-toggle", "snooze-toggle", "save-evidence", "reopen"];
  const buttons = [...DECISIONS.map((choice) => choice.name), ...toggles].map((name) => part(root, name));
  // While it loads they stay where they are, and with them the focus.
  show(part(root, "actions"), incident !== null || shown.phase === "loading");
  if (incident === null) {
    show(part(root, "evidence"), false);
    show(part(root, "handling"), false);
    for (const button of buttons) attribute(button, "aria-disabled", "true");
    return;
  }
  const handling = handlingOf(state, incident);
  const away = state.status?.status === "offline" || state.status?.status === "signed_out";

  const line = part(root, "handling");
  attribute(line, "data-handling", handling.state);
  text(part(line, "handling-words"), sentence(incident, handling, away, state.overruled[incident.id] ?? null));
  text(part(root, "dismiss"), incident.cleared ? t("page.undo.bring_back") : t("page.dismiss"));
  show(part(root, "dismiss"), !isOpen(handling));
  icon(line, handlingWords(handling, incident).icon ?? "info");
  show(line, handling.state !== "open");

  for (const choice of DECISIONS) paintDecision(part(root, choice.name), choice, handling);
  show(part(root, "reopen"), !isOpen(handling));
  attribute(part(root, "reopen"), "aria-disabled", handling.state === "recorded" ? null : "true");
  attribute(part(root, "acknowledge"), "data-look", isOpen(handling) ? "main" : null);
  attribute(part(root, "note-toggle"), "aria-disabled", null);
  const hint = part(root, "note-hint");
  text(hint, isOpen(handling) ? t("page.note.with_decision") : t("page.note.by_itself"));
  paintSnooze(part(root, "snooze-toggle"), state, incident);
  paintEvidence(root, state, incident);
}

/** Where it was saved, if it was a moment ago. @param {HTMLElement} root @param {State} state @param {Incident} incident */
function paintEvidence(root, { evidence }, { id }) {
  const told = part(root, "evidence");
  const isNews = evidence?.id === id && told.dataset.phase !== evidence.phase;
  show(told, evidence?.id === id);
  text(told, evidence?.id === id ? plain(evidence.sentence, 600) : "");
  attribute(told, "data-phase", evidence?.id === id ? evidence.phase : null);
  attribute(part(root, "save-evidence"), "aria-disabled", evidence?.phase === "saving" ? "true" : null);
  if (isNews) told.scrollIntoView({ block: "nearest" });
}

/** While the shop is open, or closed, that can be what a snooze lasts. @param {HTMLElement} button @param {HoursView | null} hours @param {number} now */
function paintSnoozeUntil(button, hours, now) {
  const time = hours?.until ?? null;
  show(button, time !== null && time - now <= LONGEST_UNTIL);
  if (time === null) return;
  text(button, hours?.open ? t("page.snooze.until_closing", { time: clock(time) }) : t("page.snooze.until_opening", { time: clock(time) }));
}

/** Where its camera is snoozed, the button says until when. @param {HTMLElement} toggle @param {State} state @param {Incident} incident */
function paintSnooze(toggle, { snoozes }, { stream_id }) {
  const snooze = snoozes.find(({ camera }) => camera === stream_id);
  text(part(toggle, "snooze-word"), snooze ? t("page.snooze.now", { time: clock(snooze.until) }) : t("page.snooze.ask"));
  attribute(toggle, "aria-disabled", null);
  show(toggle, stream_id !== null);
}

/**
 * A button never says that something is done before the server has it, and never vanishes under the focus.
 *
 * @param {HTMLElement} button
 * @param {(typeof DECISIONS)[number]} choice
 * @param {Handling} handling
 */
function paintDecision(button, { decision, todo, done }, handling) {
  const idle = isDecided(handling, decision);
  text(button, handling.state === "recorded" && handling.decision === decision ? t(done) : t(todo));
  attribute(button, "aria-disabled", idle ? "true" : null);
}

/**
 * There is nothing more to decide this way: it is under way, or it is so, or it is over.
 *
 * @param {Handling} handling
 * @param {Decision} decision
 */
function isDecided(handling, decision) {
  if (decision === "reopened") return handling.state !== "recorded";
  if (handling.state === "sending") return true;
  return handling.state === "recorded" && (handling.decision === decision || handling.decision !== "acknowledged");
}

/** It is decided so, or will be. @param {Handling} handling @param {Decision} decision */
function isSo(handling, decision) {
  return (handling.state === "sending" || handling.state === "recorded") && handling.decision === decision;
}

/**
 * @param {Incident} incident
 * @param {Handling} handling
 * @param {boolean} away
 * @param {Decision | null} overruled what was decided here and not sent
 */
function sentence(incident, handling, away, overruled) {
  const { words, more } = handlingWords(handling, incident);
  const on = (/** @type {string} */ first) => [first, ...more].join(" · ");
  switch (handling.state) {
    case "open":
      return "";
    case "sending":
      if (away) return on(t("page.handling.kept"));
      return on(handling.undo_until === null ? t("page.handling.sending") : t("page.handling.held"));
    case "reopened": {
      const done = t("page.handling.at", { done: words, time: clock(handling.at) });
      if (handling.sent) return done;
      if (away) return `${done}. ${t("page.handling.kept")}`;
      return `${done}. ${handling.undo_until === null ? t("page.handling.sending") : t("page.handling.held")}`;
    }
    case "recorded": {
      const time = clock(handling.at);
      const since = handling.decision === "acknowledged";
      const done = on(since ? t("page.handling.since", { done: words, time }) : t("page.handling.at", { done: words, time }));
      if (overruled === null) return done;
      return `${done}. ${t("page.handling.overruled", { decision: t(DECISION[overruled].done) })}`;
    }
    case "refused":
      return plain(handling.sentence, 300);
  }
}

/** What is open inside the alert closes, and the alert stays. @param {HTMLElement} element @param {() => void} close */
function onEscape(element, close) {
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  });
}

/** The row after one that is about to go, or the one before. @param {string} id */
function rowBeside(id) {
  const row = [...part(document, "rows").children].find((row) => row instanceof HTMLElement && row.dataset.key === id);
  const next = row?.nextElementSibling ?? row?.previousElementSibling;
  return next instanceof HTMLElement ? next : null;
}

