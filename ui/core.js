/**
 * The way to the program behind the page, and the only module that knows Tauri. It sends commands, receives events in
 * the order they were sent, and turns every failure into a `Problem`. It keeps no state of the page.
 *
 * @import {
 *   BringBack, Cleared, Decision, Disposition, DrillResult, Event, FeedPage, FeedQuery, Handover, Incident, IncidentDetail, Problem,
 *   Report, ReportQuery, SessionView, SettingsView, Snapshot, SnoozeLength, SnoozeView
 * } from "./types.d.ts"
 */

import { t } from "./words.js";

/** How long a message may be missing between its neighbours before the channel counts as broken. */
const PATIENCE = 3_000;

/**
 * Registers this page for events and asks for everything it needs to start. Events that overtake the answer are held
 * back until it is there.
 *
 * @param {(event: Event) => void} receive
 * @param {() => void} lost an event went missing: subscribe again
 * @returns {Promise<{ snapshot: Snapshot, start: () => void }>} call `start` once the snapshot is shown
 */
export async function subscribe(receive, lost) {
  /** @type {Event[] | null} */
  let held = [];
  const channel = new Channel(bridge(), (message) => (held ? held.push(message) : receive(message)), lost);
  const snapshot = /** @type {Snapshot} */ (await call("subscribe", { channel }));
  const start = () => {
    const early = held ?? [];
    held = null;
    early.forEach(receive);
  };
  return { snapshot, start };
}

/** @type {(query: FeedQuery) => Promise<FeedPage>} */
export const feed = (query) => call("feed", { query });

/** @type {(id: string) => Promise<IncidentDetail>} */
export const incident = (id) => call("incident", { id });

/** @type {(query: ReportQuery) => Promise<Report>} */
export const report = (query) => call("report", { query });

/** @type {() => Promise<DrillResult>} */
export const drill = () => call("drill");

/** @typedef {{ server: string, email: string, password: string, keepPassword: boolean }} Credentials */

/** @type {(credentials: Credentials) => Promise<SessionView>} */
export const signIn = (credentials) => call("sign_in", credentials);

/** @type {(erase: boolean) => Promise<void>} */
export const signOut = (erase) => call("sign_out", { erase });

/** @type {() => Promise<void>} */
export const retryNow = () => call("retry_now");

/** @type {() => Promise<Handover | null>} what happened since this person was last at the page */
export const handover = () => call("handover");

/** @type {() => Promise<void>} */
export const stays = () => call("stays");

/** @type {(query: ReportQuery) => Promise<string>} says where it is */
export const saveTable = (query) => call("save_table", { query });

/** @type {(incident: string, decision: Decision, note: string | null, outcome?: Disposition | null) => Promise<void>} */
export const decide = (incident, decision, note, outcome = null) =>
  call("decide", { incident, decision, note, ...(outcome && { outcome }) });

/** @type {(incidents: string[], decision: Decision) => Promise<Incident[]>} those that changed */
export const decideEach = (incidents, decision) => call("decide_each", { incidents, decision });

/** @type {(incident: string, note: string | null, outcome: Disposition | null) => Promise<void>} */
export const note = (incident, note, outcome) => call("note", { incident, note, outcome });

/** @type {(incident: string) => Promise<void>} */
export const seen = (incident) => call("seen", { incident });

/** @type {(incident: string | null) => Promise<void>} */
export const looks = (incident) => call("looks", { incident });

/** @type {(incident: string) => Promise<void>} */
export const dismiss = (incident) => call("dismiss", { incident });

/** @type {(incident: string) => Promise<void>} */
export const undo = (incident) => call("undo", { incident });

/** @type {(incidents: string[]) => Promise<Incident[]>} those that changed */
export const undoEach = (incidents) => call("undo_each", { incidents });

/** @type {(incident: string) => Promise<string>} says where it is */
export const saveEvidence = (incident) => call("save_evidence", { incident });

/** @type {(incident: string, length: SnoozeLength, why: string | null) => Promise<SnoozeView>} */
export const snooze = (incident, length, why) => call("snooze", { incident, length, why });

/** @type {(camera: string, minutes: number) => Promise<void>} */
export const extendSnooze = (camera, minutes) => call("extend_snooze", { camera, minutes });

/** @type {(camera: string) => Promise<void>} */
export const endSnooze = (camera) => call("end_snooze", { camera });

/** @type {(query: FeedQuery) => Promise<Cleared>} */
export const clear = (query) => call("clear", { query });

/** @type {(what: BringBack) => Promise<void>} */
export const bringBack = (what) => call("bring_back", { what });

/** @type {(code: string) => Promise<void>} */
export const closeNotice = (code) => call("close_notice", { code });

/** @type {(settings: SettingsView) => Promise<SettingsView>} */
export const changeSettings = (settings) => call("change_settings", { settings });

/** @type {(volume: number) => Promise<void>} */
export const trySound = (volume) => call("try_sound", { volume });

/**
 * The address of an alert's picture. Windows serves custom schemes as `http://frame.localhost/…`.
 *
 * @param {string} alert
 */
export function frameUrl(alert) {
  return bridge().convertFileSrc(alert, "frame");
}

/**
 * Hands messages on in the order they were sent: small ones are evaluated in the page at once, large ones are fetched
 * and may be overtaken.
 */
export class Channel {
  #next = 0;
  #early = /** @type {Map<number, Event>} */ (new Map());
  #receive;
  #lost;
  #patience = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);

  /**
   * @param {Pick<TauriInternals, "transformCallback">} tauri
   * @param {(message: Event) => void} receive
   * @param {() => void} lost called once, when a message stays missing
   */
  constructor(tauri, receive, lost) {
    this.#receive = receive;
    this.#lost = lost;
    this.id = tauri.transformCallback((raw) => this.#accept(raw));
  }

  /** How a channel is written into a command's arguments. */
  toJSON() {
    return `__CHANNEL__:${this.id}`;
  }

  /** @param {{ index: number, message?: Event, end?: boolean }} raw */
  #accept({ index, message }) {
    if (message === undefined || index < this.#next) return;
    this.#early.set(index, message);

    for (let next = this.#early.get(this.#next); next !== undefined; next = this.#early.get(this.#next)) {
      this.#early.delete(this.#next);
      this.#next += 1;
      this.#receive(next);
    }
    this.#wait();
  }

  #wait() {
    clearTimeout(this.#patience);
    if (this.#early.size === 0) return;
    this.#patience = setTimeout(() => {
      this.#early.clear();
      this.#next = Infinity;
      this.#lost();
    }, PATIENCE);
  }
}

/**
 * @param {string} command
 * @param {Record<string, unknown>} [values]
 * @returns {Promise<any>} rejects with a `Problem`, whatever went wrong
 */
async function call(command, values = {}) {
  try {
    return await bridge().invoke(command, values);
  } catch (error) {
    throw problem(error);
  }
}

/**
 * @param {unknown} error
 * @returns {Problem}
 */
function problem(error) {
  if (typeof error === "object" && error !== null && "sentence" in error && typeof error.sentence === "string") {
    return /** @type {Problem} */ (error);
  }
  return { code: "internal", sentence: t("page.problem.internal"), field: null };
}

function bridge() {
  return window.__TAURI_INTERNALS__;
}
