/**
 * What the page knows, and the one function that changes it. Pure: no DOM, no clock, no commands. Parts that an event
 * does not touch keep their identity, so that a view can tell by `===` that it has nothing to do.
 *
 * @import { Selection } from "./selection.js"
 * @import {
 *   AlertView, CameraView, Cleared, Counts, Decision, Disposition, DrillResult, DrillView, Event, FeedItem, FeedPage, FeedQuery,
 *   Handling, Handover, HoursView, Incident, IncidentDetail, NoticeView, PopupsView, Problem, Report, ReportQuery, SessionView,
 *   SettingsView, ShopView, Snapshot, SnoozeView, StatusView, Understood
 * } from "./types.d.ts"
 */

import { EVERYTHING, feedLoaded, isEverything, isOpen, sameQuery, withArrival, withoutHandled } from "./listing.js";
import { NONE } from "./selection.js";

/** What can be taken back is remembered of so many. */
const DONE = 20;
/** Alerts of one incident that the page remembers, as many as the program tells. */
const ALERTS = 200;

/**
 * @typedef {"feed" | "report" | "settings" | "sign_in"} Place
 * @typedef {"sign_out"} Question asked in place before something is done
 * @typedef {Omit<FeedQuery, "before" | "after" | "at">} Query
 * @typedef {"anew" | "older" | "newer"} Way
 * @typedef {"today" | "week" | "month" | "range"} Period
 *
 * @typedef {object} Feed
 * @property {Query} query
 * @property {FeedItem[]} items newest first
 * @property {string | null} next what the older ones are asked for with; none: the last row is the oldest
 * @property {string | null} previous the same for the newer ones; none: the first row is the newest
 * @property {number} above how many rows are above the first
 * @property {readonly string[]} waiting what arrived above rows that are not here
 * @property {number} turn counts how often another list was asked for, which begins at its top
 * @property {ShopView[]} shops those it can be narrowed to
 * @property {CameraView[]} cameras those it can be narrowed to
 * @property {Understood | null} understood the time that the search means
 * @property {boolean} stale more changed than was told: ask anew
 * @property {"ready" | "loading" | "older" | "newer" | "failed"} phase
 * @property {string} sentence why it failed
 *
 * @typedef {object} Shown the incident that is shown large
 * @property {string} id
 * @property {"loading" | "ready" | "failed"} phase
 * @property {IncidentDetail | null} detail
 * @property {string | null} chosen the alert whose picture was chosen; none: the newest
 * @property {string} sentence why it failed
 *
 * @typedef {{ id: string, phase: "saving" | "saved" | "failed", sentence: string }} Evidence what was saved last, and where
 *
 * @typedef {object} Ledger the report
 * @property {Period} period
 * @property {ReportPart} part which part of it is shown
 * @property {ReportQuery | null} query the time that is asked about
 * @property {Report | null} report of that time
 * @property {number} at when it was made
 * @property {"idle" | "loading" | "ready" | "failed"} phase
 * @property {string} sentence why it failed
 * @property {{ phase: "idle" | "saving" | "saved" | "failed", sentence: string }} table the table that was saved of it
 *
 * @typedef {"shop" | "delivery"} ReportPart
 *
 * @typedef {object} Drill the test of the alert path
 * @property {DrillView} view what the program tells of it
 * @property {boolean} asked its button was pressed and nothing is known yet
 * @property {string | null} refused why it could not be made
 *
 * @typedef {{ id: string, camera: string, decision: Decision, until: number }} Decided a decision that is not sent yet
 * @typedef {{ ids: readonly string[], decision: Decision, until: number }} Several many that were decided on as one act
 * @typedef {Cleared & { until: number }} ClearedNow what was taken out of view a moment ago
 *
 * @typedef {object} State
 * @property {boolean} ready the first snapshot is there
 * @property {string | null} failure why the page cannot start
 * @property {string} version
 * @property {number} ahead how far the program's clock is ahead of the page's, in milliseconds
 * @property {StatusView | null} status
 * @property {StatusView | null} unproven what the program last said of the status, while it says nothing any more
 * @property {SessionView | null} session
 * @property {Counts} counts
 * @property {SettingsView | null} settings
 * @property {SettingsView | null} wanted settings on their way
 * @property {string | null} unwanted why the last change of settings was refused
 * @property {NoticeView[]} notices
 * @property {PopupsView | null} popups what notifications can do here
 * @property {SnoozeView[]} snoozes cameras that are not to interrupt for now
 * @property {HoursView | null} hours whether the shop is open, where it is known when it is
 * @property {Evidence | null} evidence
 * @property {Handover | null} handover what happened since this person last looked
 * @property {string | null} mishap why the last command was not carried out
 * @property {Place} place
 * @property {Feed} feed
 * @property {Shown | null} shown
 * @property {Question | null} question
 * @property {{ busy: boolean, problem: Problem | null }} signIn
 * @property {Readonly<Record<string, Handling>>} deciding decisions that the program has not confirmed yet
 * @property {Readonly<Record<string, Decision>>} overruled what was decided here after somebody else had decided otherwise
 * @property {Selection} selection
 * @property {readonly (Decided | Several | ClearedNow)[]} done what can be taken back, the newest last; the time of some may be over
 * @property {Ledger} ledger
 * @property {Drill} drill
 */

/**
 * What happens in the page itself.
 *
 * @typedef {{ type: "started", snapshot: Snapshot, at: number }
 *   | { type: "start_failed", sentence: string }
 *   | { type: "fell_silent", at: number, sentence: string }
 *   | { type: "went", place: Place }
 *   | { type: "asked", question: Question | null }
 *   | { type: "query_changed", query: Query }
 *   | { type: "feed_asked", way: Way }
 *   | { type: "feed_loaded", query: Query, page: FeedPage, way: Way }
 *   | { type: "feed_failed", query: Query, sentence: string }
 *   | { type: "feed_let_go" }
 *   | { type: "list_moved" }
 *   | { type: "opened", id: string, next?: boolean }
 *   | { type: "closed" }
 *   | { type: "detail_loaded", detail: IncidentDetail }
 *   | { type: "notes_loaded", detail: IncidentDetail }
 *   | { type: "detail_failed", id: string, sentence: string }
 *   | { type: "frame_chosen", alert: string }
 *   | { type: "deciding", id: string, decision: Decision }
 *   | { type: "decide_failed", id: string, decision: Decision, sentence: string }
 *   | { type: "decided", decided: Decided }
 *   | { type: "undone", id: string }
 *   | { type: "selected", selection: Selection }
 *   | { type: "deciding_each", ids: readonly string[], decision: Decision }
 *   | { type: "decide_each_failed", ids: readonly string[], sentence: string }
 *   | { type: "decided_each", asked: readonly string[], decision: Decision, incidents: readonly Incident[], until: number }
 *   | { type: "undone_each", ids: readonly string[], incidents: readonly Incident[] }
 *   | { type: "cleared", cleared: Cleared, until: number }
 *   | { type: "brought_back", at: number }
 *   | { type: "evidence", evidence: Evidence }
 *   | { type: "handover", handover: Handover | null }
 *   | { type: "signing_in" }
 *   | { type: "signed_in", session: SessionView }
 *   | { type: "sign_in_failed", problem: Problem }
 *   | { type: "period_chosen", period: Period }
 *   | { type: "part_chosen", part: ReportPart }
 *   | { type: "table", table: Ledger["table"] }
 *   | { type: "report_asked", query: ReportQuery }
 *   | { type: "report_loaded", query: ReportQuery, report: Report, at: number }
 *   | { type: "report_failed", query: ReportQuery, sentence: string }
 *   | { type: "drill_asked" }
 *   | { type: "drill_done", result: DrillResult }
 *   | { type: "drill_refused", sentence: string }
 *   | { type: "settings_wanted", settings: SettingsView }
 *   | { type: "settings_refused", sentence: string }
 *   | { type: "mishap", sentence: string | null }} Action
 */

/** @type {State} */
export const INITIAL = {
  ready: false,
  failure: null,
  version: "",
  ahead: 0,
  status: null,
  unproven: null,
  session: null,
  counts: { unhandled: 0, unseen: 0, total: 0, cleared: 0, today: 0 },
  settings: null,
  wanted: null,
  unwanted: null,
  notices: [],
  popups: null,
  snoozes: [],
  hours: null,
  evidence: null,
  handover: null,
  mishap: null,
  place: "feed",
  feed: {
    query: EVERYTHING,
    items: [],
    next: null,
    previous: null,
    above: 0,
    waiting: [],
    turn: 0,
    shops: [],
    cameras: [],
    understood: null,
    stale: false,
    phase: "loading",
    sentence: "",
  },
  shown: null,
  question: null,
  signIn: { busy: false, problem: null },
  deciding: {},
  overruled: {},
  selection: NONE,
  done: [],
  ledger: {
    period: "today",
    part: "shop",
    query: null,
    report: null,
    at: 0,
    phase: "idle",
    sentence: "",
    table: { phase: "idle", sentence: "" },
  },
  drill: { view: { running: false, last: null }, asked: false, refused: null },
};

/**
 * The state after an event.
 *
 * @param {State} state
 * @param {Event | Action} event
 * @returns {State}
 */
export function reduce(state, event) {
  switch (event.type) {
    case "status":
      return { ...state, status: event.status, unproven: null };
    case "beat":
      return state.unproven === null ? state : { ...state, status: state.unproven, unproven: null };
    case "session":
      return withSession(state, event.session);
    case "alert_added":
      return alertAdded(state, event.incident, event.alert, event.counts);
    case "alert_changed":
      return withAlert(state, event.incident, event.alert);
    case "incident_changed":
      return incidentChanged(state, event.incident, event.counts);
    case "counted":
      return { ...state, counts: event.counts };
    case "incidents_removed":
      return incidentsRemoved(state, new Set(event.ids), event.counts);
    case "feed_changed":
      return { ...state, counts: event.counts, feed: { ...state.feed, stale: true } };
    case "settings":
      return { ...state, settings: event.settings, wanted: null, unwanted: null };
    case "notices":
      return { ...state, notices: event.notices };
    case "popups":
      return { ...state, popups: event.popups };
    case "snoozes":
      return { ...state, snoozes: event.snoozes };
    case "hours":
      return { ...state, hours: event.hours };
    case "drill":
      return { ...state, drill: { view: event.drill, asked: false, refused: null } };
    case "open":
      return opened({ ...state, place: "feed" }, event.incident);

    case "started":
      return started(state, event.snapshot, event.at);
    case "start_failed":
      return { ...state, failure: event.sentence };
    case "fell_silent":
      return fellSilent(state, event.at, event.sentence);
    case "went":
      return {
        ...state,
        place: event.place,
        question: null,
        selection: NONE,
        unwanted: null,
        signIn: { busy: false, problem: null },
      };
    case "asked":
      return { ...state, question: event.question };
    case "query_changed":
      return {
        ...state,
        question: null,
        selection: NONE,
        feed: { ...state.feed, query: event.query, understood: null, phase: "loading", turn: state.feed.turn + 1 },
      };
    case "list_moved":
      return { ...state, feed: { ...state.feed, phase: "loading", turn: state.feed.turn + 1 } };
    case "feed_asked":
      return {
        ...state,
        feed: event.way === "anew" ? { ...state.feed, phase: "loading", stale: false } : { ...state.feed, phase: event.way },
      };
    case "feed_loaded":
      return sameQuery(state.feed.query, event.query) ? feedLoaded(state, event.page, event.way) : state;
    case "feed_let_go":
      return { ...state, feed: { ...state.feed, phase: "ready" } };
    case "feed_failed":
      return sameQuery(state.feed.query, event.query)
        ? { ...state, feed: { ...state.feed, phase: "failed", sentence: event.sentence } }
        : state;
    case "opened":
      return opened(state, event.id);
    case "closed":
      return withoutHandled({ ...state, shown: null });
    case "detail_loaded":
      return detailLoaded(state, event.detail);
    case "notes_loaded":
      return notesLoaded(state, event.detail);
    case "detail_failed":
      return state.shown?.id === event.id
        ? { ...state, shown: { ...state.shown, phase: "failed", sentence: event.sentence } }
        : state;
    case "frame_chosen":
      return state.shown ? { ...state, shown: { ...state.shown, chosen: event.alert } } : state;
    case "deciding":
      return withDeciding(state, event.id, { state: "sending", decision: event.decision, undo_until: null });
    case "decide_failed":
      return withDeciding(state, event.id, { state: "refused", decision: event.decision, sentence: event.sentence });
    case "decided":
      return state.done.some(decisionOn(event.decided.id))
        ? state
        : { ...state, done: [...state.done, event.decided].slice(-DONE) };
    case "selected":
      return { ...state, selection: event.selection };
    case "deciding_each":
      return withDecidingEach(state, event.ids, { state: "sending", decision: event.decision, undo_until: null });
    case "decide_each_failed":
      return { ...withDecidingEach(state, event.ids, null), mishap: event.sentence };
    case "decided_each":
      return decidedEach(state, event);
    case "undone_each":
      return { ...withChanged(state, event.incidents), done: state.done.filter((done) => !("ids" in done && done.ids === event.ids)) };
    case "undone":
      return { ...state, done: withoutDecision(state.done, event.id) };
    case "cleared":
      return { ...state, done: [...state.done, { ...event.cleared, until: event.until }].slice(-DONE) };
    case "brought_back":
      return { ...state, done: state.done.filter((done) => !("at" in done && done.at === event.at)) };
    case "handover":
      return { ...state, handover: event.handover };
    case "evidence":
      return { ...state, evidence: event.evidence };
    case "signing_in":
      return { ...state, signIn: { busy: true, problem: null } };
    case "signed_in":
      return withSession({ ...state, signIn: { busy: false, problem: null } }, event.session);
    case "sign_in_failed":
      return { ...state, signIn: { busy: false, problem: event.problem } };
    case "period_chosen":
      return { ...state, ledger: { ...INITIAL.ledger, part: state.ledger.part, period: event.period } };
    case "part_chosen":
      return { ...state, ledger: { ...state.ledger, part: event.part } };
    case "table":
      return { ...state, ledger: { ...state.ledger, table: event.table } };
    case "report_asked":
      return { ...state, ledger: { ...state.ledger, query: event.query, phase: "loading" } };
    case "report_loaded":
      return state.ledger.query === event.query
        ? { ...state, ledger: { ...state.ledger, report: event.report, at: event.at, phase: "ready", sentence: "" } }
        : state;
    case "report_failed":
      return state.ledger.query === event.query
        ? { ...state, ledger: { ...state.ledger, phase: "failed", sentence: event.sentence } }
        : state;
    case "drill_asked":
      return { ...state, drill: { ...state.drill, asked: true, refused: null } };
    case "drill_done":
      return { ...state, drill: { view: { running: false, last: event.result }, asked: false, refused: null } };
    case "drill_refused":
      return { ...state, drill: { ...state.drill, asked: false, refused: event.sentence } };
    case "settings_wanted":
      return { ...state, wanted: event.settings, unwanted: null };
    case "settings_refused":
      return { ...state, wanted: null, unwanted: event.sentence };
    case "mishap":
      return { ...state, mishap: event.sentence };
    default:
      return unreachable(event);
  }
}

/**
 * What is true about the handling of an incident, what was pressed a moment ago included.
 *
 * @param {State} state
 * @param {Incident} incident
 * @returns {Handling}
 */
export function handlingOf(state, incident) {
  return state.deciding[incident.id] ?? incident.handling;
}

/**
 * What was done last and can be taken back at this moment.
 *
 * @param {State} state
 * @param {number} now
 */
export function undoable({ done }, now) {
  return done.findLast(({ until }) => until > now) ?? null;
}

/**
 * The alert whose picture is shown: the chosen one, else the newest with a picture, else the newest.
 *
 * @param {Shown} shown
 * @returns {AlertView | null}
 */
export function alertOf(shown) {
  const alerts = shown.detail?.alerts ?? [];
  return (
    alerts.find((alert) => alert.id === shown.chosen) ??
    alerts.findLast((alert) => alert.frame !== null) ??
    alerts.at(-1) ??
    null
  );
}

/**
 * @param {State} state
 * @param {Snapshot} snapshot
 * @param {number} at
 * @returns {State}
 */
function started(state, snapshot, at) {
  const asked = state.feed.query;
  const unasked = isEverything(asked);
  const fresh = {
    ...state,
    ready: true,
    failure: null,
    version: snapshot.version,
    ahead: snapshot.now - at,
    status: snapshot.status,
    unproven: null,
    counts: snapshot.counts,
    settings: snapshot.settings,
    wanted: null,
    notices: snapshot.notices,
    popups: snapshot.popups,
    snoozes: snapshot.snoozes,
    hours: snapshot.hours,
    deciding: {},
    drill: { view: snapshot.drill, asked: false, refused: null },
    feed: { ...state.feed, stale: !unasked || state.shown !== null },
  };
  return withSession(unasked ? feedLoaded(fresh, snapshot.feed, "anew") : fresh, snapshot.session);
}

/**
 * The program says nothing any more: nobody can tell whether alerts reach this computer.
 *
 * @param {State} state
 * @param {number} at when it was last heard
 * @param {string} sentence
 * @returns {State}
 */
function fellSilent(state, at, sentence) {
  if (state.status === null || state.unproven !== null) return state;
  const status = { ...state.status, next_attempt_at: null, record_every: null, remedy: null };
  return { ...state, unproven: state.status, status: { ...status, status: "offline", reason: "program_silent", since: at, sentence } };
}

/**
 * @param {State} state
 * @param {SessionView | null} session
 * @returns {State}
 */
function withSession(state, session) {
  if (session === null) {
    return {
      ...state,
      session,
      place: "sign_in",
      shown: null,
      question: null,
      selection: NONE,
      overruled: {},
      done: [],
      evidence: null,
      handover: null,
      ledger: INITIAL.ledger,
    };
  }
  return { ...state, session, place: state.place === "sign_in" && !state.signIn.busy ? "feed" : state.place };
}

/**
 * @param {State} state
 * @param {Incident} incident
 * @param {AlertView} alert
 * @param {Counts} counts
 * @returns {State}
 */
function alertAdded(state, incident, alert, counts) {
  return withArrival(withAlert(incidentChanged(state, incident, counts), incident.id, alert), incident);
}

/**
 * Puts an alert into the incident that is shown, in its old place or as the newest.
 *
 * @param {State} state
 * @param {string} id
 * @param {AlertView} alert
 * @returns {State}
 */
function withAlert(state, id, alert) {
  const { shown } = state;
  if (shown?.id !== id || shown.detail === null) return state;

  const { alerts } = shown.detail;
  const at = alerts.findIndex((other) => other.id === alert.id);
  const changed = at === -1 ? [...alerts, alert].slice(-ALERTS) : alerts.with(at, alert);
  return { ...state, shown: { ...shown, detail: { ...shown.detail, alerts: changed } } };
}

/**
 * @param {State} state
 * @param {Incident} incident
 * @param {Counts} counts
 * @returns {State}
 */
function incidentChanged(state, incident, counts) {
  const { shown, feed, deciding } = state;
  const at = feed.items.findIndex((item) => item.type === "incident" && item.id === incident.id);
  const items = at === -1 ? feed.items : feed.items.with(at, { type: "incident", ...incident });
  const detail = shown?.id === incident.id && shown.detail ? { ...shown.detail, incident } : null;
  const confirmed = incident.handling.state !== "open" && Object.hasOwn(deciding, incident.id);
  const known = items === feed.items ? detail && shown?.detail?.incident : feed.items[at];

  const changed = withoutHandled({
    ...state,
    counts,
    feed: items === feed.items ? feed : { ...feed, items },
    shown: shown && detail ? { ...shown, detail } : shown,
    deciding: confirmed ? omit(deciding, incident.id) : deciding,
    overruled: withOverruled(state, incident, known && "handling" in known ? known.handling : null),
    done: withDone(state.done, incident),
  });
  // It left the list when it was decided on, and the decision was not taken, or taken back.
  return isOpen(incident.handling) ? withArrival(changed, incident) : changed;
}

/**
 * Keeps the decision while it can be taken back.
 *
 * @param {State["done"]} done
 * @param {Incident} incident
 */
function withDone(done, { id, camera, handling }) {
  const known = done.find(decisionOn(id));
  const held = handling.state === "sending" || handling.state === "reopened" ? handling.undo_until : null;
  if (held === null) return known ? withoutDecision(done, id) : done;
  const until = held;
  const decision = handling.state === "sending" ? handling.decision : "reopened";
  // It was decided on with others, and is taken back with them.
  if (done.some((other) => "ids" in other && other.decision === decision && other.ids.includes(id))) return done;
  if (known?.until === until && "decision" in known && known.decision === decision) return done;
  return [...withoutDecision(done, id), { id, camera, decision, until }].slice(-DONE);
}

/** @param {State["done"]} done @param {string} id */
function withoutDecision(done, id) {
  const isIt = decisionOn(id);
  return done.filter((other) => !isIt(other));
}

/** Whether something that was done is the decision on this incident. @param {string} id */
function decisionOn(id) {
  return (/** @type {State["done"][number]} */ done) => "id" in done && done.id === id;
}

/**
 * Keeps what was decided here where somebody else's other decision stands now: it was not sent.
 *
 * @param {State} state
 * @param {Incident} incident
 * @param {Handling | null} before
 */
function withOverruled({ deciding, overruled }, { id, handling }, before) {
  if (handling.state !== "recorded" || handling.here) {
    return Object.hasOwn(overruled, id) ? omit(overruled, id) : overruled;
  }
  const ours = deciding[id] ?? before;
  const tried = ours?.state === "sending" || ours?.state === "refused";
  return tried && ours.decision !== handling.decision ? { ...overruled, [id]: ours.decision } : overruled;
}

/**
 * @param {State} state
 * @param {ReadonlySet<string>} ids
 * @param {Counts} counts
 * @returns {State}
 */
function incidentsRemoved(state, ids, counts) {
  const { feed, shown } = state;
  const items = feed.items.filter((item) => !ids.has(item.id));
  return {
    ...state,
    counts,
    feed: { ...feed, items },
    shown: shown && ids.has(shown.id) ? null : shown,
  };
}

/**
 * @param {State} state
 * @param {string} id
 * @returns {State}
 */
function opened(state, id) {
  if (state.shown?.id === id && state.shown.phase !== "failed") return state;
  return withoutHandled({
    ...state,
    question: null,
    shown: { id, phase: "loading", detail: null, chosen: null, sentence: "" },
  });
}

/**
 * @param {State} state
 * @param {IncidentDetail} detail
 * @returns {State}
 */
function detailLoaded(state, detail) {
  if (state.shown?.id !== detail.incident.id) return state;
  return { ...state, shown: { ...state.shown, phase: "ready", detail } };
}

/**
 * @param {State} state
 * @param {IncidentDetail} detail
 * @returns {State}
 */
function notesLoaded(state, { incident, note, note_waits, notes }) {
  const { shown } = state;
  if (shown?.id !== incident.id || shown.detail === null) return state;
  const { detail } = shown;
  const same = detail.note === note && detail.note_waits === note_waits && JSON.stringify(detail.notes) === JSON.stringify(notes);
  return same ? state : { ...state, shown: { ...shown, detail: { ...detail, note, note_waits, notes } } };
}

/**
 * @param {State} state
 * @param {string} id
 * @param {Handling} handling
 * @returns {State}
 */
function withDeciding(state, id, handling) {
  return { ...state, deciding: { ...state.deciding, [id]: handling } };
}

/**
 * @param {State} state
 * @param {readonly string[]} ids
 * @param {Handling | null} handling null: what the program has told of them
 * @returns {State}
 */
function withDecidingEach(state, ids, handling) {
  const deciding = { ...state.deciding };
  for (const id of ids) {
    if (handling) deciding[id] = handling;
    else delete deciding[id];
  }
  return { ...state, deciding };
}

/**
 * @param {State} state
 * @param {Extract<Action, { type: "decided_each" }>} event
 * @returns {State}
 */
function decidedEach(state, { asked, decision, incidents, until }) {
  const changed = withDecidingEach(withChanged(state, incidents), asked, null);
  if (incidents.length === 0) return changed;
  const ids = incidents.map((incident) => incident.id);
  const others = changed.done.filter((done) => !("id" in done && ids.includes(done.id)));
  return { ...changed, selection: NONE, done: [...others, { ids, decision, until }].slice(-DONE) };
}

/**
 * Many incidents as they are now, in the list and in the large view.
 *
 * @param {State} state
 * @param {readonly Incident[]} incidents
 * @returns {State}
 */
function withChanged(state, incidents) {
  const { feed, shown } = state;
  const known = new Map(incidents.map((incident) => [incident.id, incident]));
  const listed = new Set(feed.items.map((item) => item.id));
  const items = feed.items.map((item) => {
    const incident = known.get(item.id);
    return incident ? { type: /** @type {const} */ ("incident"), ...incident } : item;
  });
  const incident = shown && known.get(shown.id);
  const detail = shown?.detail && incident ? { ...shown.detail, incident } : null;
  const changed = withoutHandled({
    ...state,
    feed: { ...feed, items },
    shown: shown && detail ? { ...shown, detail } : shown,
  });
  const back = incidents.filter(({ id, handling }) => isOpen(handling) && !listed.has(id));
  return back.reduce(withArrival, changed);
}

/**
 * @template T
 * @param {Readonly<Record<string, T>>} record
 * @param {string} key
 * @returns {Record<string, T>}
 */
function omit(record, key) {
  const { [key]: _, ...rest } = record;
  return rest;
}

/**
 * A forgotten case is a type error here; an event of a newer program changes nothing.
 *
 * @param {never} event
 * @returns {never}
 */
function unreachable(event) {
  throw new TypeError(`unknown event ${JSON.stringify(event)}`);
}
