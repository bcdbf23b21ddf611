/**
 * What a person can do: each function asks the program for it and tells the store what came of it. Nothing is shown as
 * done here; that is for the program's events.
 *
 * @import { BringBack, Decision, Disposition, Problem, ReportQuery, SettingsView, SnoozeLength } from "./types.d.ts"
 * @import { Credentials } from "./core.js"
 * @import { Period, Place, Query, Question, Way } from "./state.js"
 * @import { Selection } from "./selection.js"
 * @import { Store } from "./store.js"
 */

import * as core from "./core.js";
import { beginOf, ROWS, sameQuery } from "./listing.js";
import { timeOf } from "./ledger.js";
import { all, chosen, NONE, stretched, toggled } from "./selection.js";
import { undoable } from "./state.js";
import { t } from "./words.js";

/** How soon a broken subscription is tried again. */
const RETRY = 2_000;
/** How long a report that is looked at may be behind what happened. */
const BEHIND = 3_000;
/** How long a decision can be taken back, as the program has it. */
const TO_UNDO = 10_000;
/** How long it is offered at once to bring back what was cleared from view; later it is among "Cleared". */
const TO_BRING_BACK = 20_000;

/** The program says something every five seconds while a page listens; after so long without a word it may stand still. */
const SILENT = 20_000;

/** What makes a report of the present differ. @type {ReadonlySet<string>} */
const CHANGES_THE_REPORT = new Set(["alert_added", "incident_changed", "feed_changed", "drill", "status"]);

/** @typedef {ReturnType<typeof actions>} Actions */

/** @param {Store} store */
export function actions(store) {
  const dispatch = store.dispatch.bind(store);
  let asking = 0;
  let behind = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  let undoing = false;
  let heardAt = performance.now();
  setInterval(listen, SILENT / 4);

  /** @param {unknown} problem */
  const mishap = (problem) => dispatch({ type: "mishap", sentence: /** @type {Problem} */ (problem).sentence });

  /** Asks for the program's state and its events, again and again until it answers. */
  async function start() {
    try {
      const { snapshot, start: flow } = await core.subscribe(receive, start);
      heardAt = performance.now();
      dispatch({ type: "started", snapshot, at: Date.now() });
      flow();
      await refresh();
    } catch (problem) {
      dispatch({ type: "start_failed", sentence: /** @type {Problem} */ (problem).sentence });
      setTimeout(start, RETRY);
    }
  }

  /** @param {import("./types.d.ts").Event} event */
  function receive(event) {
    heardAt = performance.now();
    if (store.state.unproven !== null) dispatch({ type: "beat" });
    dispatch(event);
    if (event.type === "feed_changed") refresh();
    if (event.type === "open") load(event.incident);
    if (event.type === "incident_changed" && event.incident.id === store.state.shown?.id) loadNotes(event.incident.id);
    if (store.state.place === "report" && CHANGES_THE_REPORT.has(event.type)) behind ??= setTimeout(renew, BEHIND);
  }

  /** A status that nobody vouches for any more is not shown. */
  function listen() {
    const silence = performance.now() - heardAt;
    if (!store.state.ready || silence < SILENT) return;
    dispatch({ type: "fell_silent", at: store.now() - silence, sentence: t("page.status.program_silent") });
  }

  /** Asks for the report anew, if it is still looked at. */
  function renew() {
    clearTimeout(behind);
    behind = undefined;
    const { period, query } = store.state.ledger;
    if (store.state.place === "report" && query) askReport(timeOf(period, store.now()) ?? query);
  }

  /** @param {ReportQuery} query */
  async function askReport(query) {
    dispatch({ type: "report_asked", query });
    try {
      dispatch({ type: "report_loaded", query, report: await core.report(query), at: store.now() });
    } catch (problem) {
      dispatch({ type: "report_failed", query, sentence: /** @type {Problem} */ (problem).sentence });
    }
  }

  /** Asks for the feed anew if more changed than was told; one question at a time. */
  async function refresh() {
    if (!store.state.feed.stale || asking > 0) return;
    const { shown } = store.state;
    // Who reads further down stays there.
    const { items, previous } = store.state.feed;
    const [first] = items;
    const at = previous !== null && first ? beginOf(first) : null;
    await Promise.all([askFeed("anew", at, Math.min(items.length, ROWS)), shown && load(shown.id)]);
  }

  /**
   * @param {Way} way
   * @param {number | null} [at] from where the list was then
   * @param {number} [listed] so many rows were there, and are again as far as there are as many
   */
  async function askFeed(way, at = null, listed = 0) {
    dispatch({ type: "feed_asked", way });
    const { query, next, previous, turn } = store.state.feed;
    const [before, after] = [way === "older" ? next : null, way === "newer" ? previous : null];
    asking += 1;
    try {
      let page = await core.feed({ ...query, before, after, at });
      while (page.items.length < listed && page.next !== null && store.state.feed.turn === turn) {
        const rest = await core.feed({ ...query, before: page.next, after: null, at: null });
        page = { ...page, items: [...page.items, ...rest.items], next: rest.next };
        if (rest.items.length === 0) break;
      }
      const { feed } = store.state;
      // It goes on from rows that may not be the last ones any more.
      const fits = (way !== "older" || feed.next === next) && (way !== "newer" || feed.previous === previous);
      if (feed.turn === turn) dispatch(fits ? { type: "feed_loaded", query, page, way } : { type: "feed_let_go" });
    } catch (problem) {
      const { sentence } = /** @type {Problem} */ (problem);
      if (store.state.feed.turn === turn) dispatch({ type: "feed_failed", query, sentence });
    } finally {
      asking -= 1;
    }
    await refresh();
  }

  /** Has the next older or newer rows at hand, if there are any. @param {"older" | "newer"} [way] */
  async function more(way = "older") {
    const before = store.state.feed;
    const there = way === "older" ? before.next : before.previous;
    if (before.phase !== "ready" || there === null) return false;
    await askFeed(way);
    return store.state.feed.phase === "ready" && store.state.feed.items !== before.items;
  }

  /** @param {string} id */
  function cameraOf(id) {
    const { feed, shown } = store.state;
    const item = feed.items.find((item) => item.id === id) ?? shown?.detail?.incident;
    return item && "camera" in item ? item.camera : "";
  }

  /** @param {Partial<SettingsView>} change */
  async function change(change) {
    const { settings, wanted } = store.state;
    if (!settings) return;
    const next = { ...(wanted ?? settings), ...change };
    dispatch({ type: "settings_wanted", settings: next });
    try {
      const taken = await core.changeSettings(next);
      if (store.state.wanted === next || store.state.wanted === null) dispatch({ type: "settings", settings: taken });
    } catch (problem) {
      dispatch({ type: "settings_refused", sentence: /** @type {Problem} */ (problem).sentence });
    }
  }

  /** @param {string} id */
  async function load(id) {
    try {
      dispatch({ type: "detail_loaded", detail: await core.incident(id) });
    } catch (problem) {
      dispatch({ type: "detail_failed", id, sentence: /** @type {Problem} */ (problem).sentence });
    }
  }

  /** What others wrote about it may be new. @param {string} id */
  async function loadNotes(id) {
    const detail = await core.incident(id).catch(() => null);
    if (detail) dispatch({ type: "notes_loaded", detail });
  }

  return {
    start,

    /** @param {Place} place */
    go(place) {
      dispatch({ type: "went", place });
      if (place !== "report") return;
      const { period, query } = store.state.ledger;
      const time = timeOf(period, store.now()) ?? query;
      if (time) askReport(time);
    },

    /** Reports on another time; a range of days is asked for by `range`. @param {Period} period */
    period(period) {
      dispatch({ type: "period_chosen", period });
      const time = timeOf(period, store.now());
      if (time) askReport(time);
    },

    /** @param {ReportQuery} query */
    range(query) {
      dispatch({ type: "period_chosen", period: "range" });
      askReport(query);
    },

    /** @param {import("./state.js").ReportPart} part */
    part(part) {
      dispatch({ type: "part_chosen", part });
    },

    /** Saves the incidents of the report's time as a table. */
    async saveTable() {
      const { query, table } = store.state.ledger;
      if (query === null || table.phase === "saving") return;
      const saved = (/** @type {import("./state.js").Ledger["table"]} */ table) => {
        if (store.state.ledger.query === query) dispatch({ type: "table", table });
      };
      saved({ phase: "saving", sentence: t("page.table.busy") });
      try {
        saved({ phase: "saved", sentence: await core.saveTable(query) });
      } catch (problem) {
        saved({ phase: "failed", sentence: /** @type {Problem} */ (problem).sentence });
      }
    },

    /** Asks for the report after that failed. */
    renew,

    /** Tests the alert path. */
    async drill() {
      const { asked, view } = store.state.drill;
      if (asked || view.running) return;
      dispatch({ type: "drill_asked" });
      try {
        dispatch({ type: "drill_done", result: await core.drill() });
      } catch (problem) {
        dispatch({ type: "drill_refused", sentence: /** @type {Problem} */ (problem).sentence });
      }
    },

    /** Prints what is shown. */
    async print() {
      try {
        await window.print();
      } catch {
        dispatch({ type: "mishap", sentence: t("page.report.not_printed") });
      }
    },

    /** @param {Question | null} question */
    ask: (question) => dispatch({ type: "asked", question }),

    /** @param {Partial<Query>} query */
    search(query) {
      const { feed } = store.state;
      const asked = { ...feed.query, ...query };
      if (sameQuery(asked, feed.query)) return;
      dispatch({ type: "query_changed", query: asked });
      askFeed("anew");
    },

    /** Asks for the feed after that failed. */
    reload: () => askFeed("anew"),

    /** Goes to where the list was then, or to its top. @param {number | null} at */
    goTo(at) {
      dispatch({ type: "list_moved" });
      return askFeed("anew", at);
    },

    more,

    /** @param {string} id @param {boolean} [next] it follows by itself on one that was decided on */
    open(id, next = false) {
      if (store.state.shown?.id === id && store.state.shown.phase !== "failed") return;
      dispatch({ type: "opened", id, next });
      load(id);
    },

    close: () => dispatch({ type: "closed" }),

    /** @param {string} alert */
    choose: (alert) => dispatch({ type: "frame_chosen", alert }),

    /**
     * Decides on an incident. True: it is stored on this computer.
     *
     * @param {string} id @param {Decision} decision @param {string} [note] @param {Disposition | null} [outcome]
     */
    async decide(id, decision, note = "", outcome = null) {
      if (store.state.deciding[id]?.state === "sending") return false;
      dispatch({ type: "deciding", id, decision });
      try {
        const camera = cameraOf(id);
        await core.decide(id, decision, note.trim() || null, outcome);
        // The program's own word of it may come late in a storm.
        dispatch({ type: "decided", decided: { id, camera, decision, until: store.now() + TO_UNDO } });
        if (note.trim() && store.state.shown?.id === id) await load(id);
        return true;
      } catch (problem) {
        dispatch({ type: "decide_failed", id, decision, sentence: /** @type {Problem} */ (problem).sentence });
        return false;
      }
    },

    /**
     * Writes about an incident, or says what came of it, and leaves the decision as it is. True: it is stored on this computer.
     *
     * @param {string} id @param {string} note @param {Disposition | null} outcome
     */
    async note(id, note, outcome) {
      try {
        await core.note(id, note.trim() || null, outcome);
        if (store.state.shown?.id === id) await load(id);
        return true;
      } catch (problem) {
        mishap(problem);
        return false;
      }
    },

    /** @param {Selection} selection */
    select: (selection) => dispatch({ type: "selected", selection }),

    /** One more of the list is chosen, or one less. @param {string} id */
    toggle: (id) => dispatch({ type: "selected", selection: toggled(store.state.selection, id) }),

    /** The rows from the last that was chosen to this one are. @param {string} id @param {string | null} from */
    stretch(id, from) {
      const { feed, selection } = store.state;
      dispatch({ type: "selected", selection: stretched(feed, selection, id, from) });
    },

    /** All that are listed are chosen; with a camera's stream, those of it. @param {string | null} [stream] */
    selectAll: (stream = null) => dispatch({ type: "selected", selection: all(store.state.feed, stream) }),

    unselect: () => dispatch({ type: "selected", selection: NONE }),

    /** Decides on all that are chosen, as one act. @param {Decision} decision */
    async decideEach(decision) {
      const { feed, selection, deciding } = store.state;
      const ids = chosen(feed, selection).map((incident) => incident.id).filter((id) => deciding[id]?.state !== "sending");
      if (ids.length === 0) return;
      dispatch({ type: "deciding_each", ids, decision });
      try {
        const incidents = await core.decideEach(ids, decision);
        dispatch({ type: "decided_each", asked: ids, decision, incidents, until: store.now() + TO_UNDO });
        if (incidents.length === 0) dispatch({ type: "mishap", sentence: t("page.select.nothing") });
      } catch (problem) {
        dispatch({ type: "decide_each_failed", ids, sentence: /** @type {Problem} */ (problem).sentence });
      }
    },

    /** @param {string} id */
    dismiss: (id) => core.dismiss(id).catch(mishap),

    /** @param {string} id */
    seen: (id) => core.seen(id).catch(() => undefined),

    /** @param {string | null} id */
    looks: (id) => core.looks(id).catch(() => undefined),

    /** Takes the handled alerts out of view that the list shows, all pages of it. */
    async clear() {
      try {
        const cleared = await core.clear({ ...store.state.feed.query, before: null, after: null, at: null });
        if (cleared.incidents > 0) dispatch({ type: "cleared", cleared, until: store.now() + TO_BRING_BACK });
      } catch (problem) {
        mishap(problem);
      }
    },

    /** @param {BringBack} what */
    bringBack: (what) => core.bringBack(what).catch(mishap),

    /** Takes back what was done last, if it still can be: the alert opens again. */
    async undo(done = undoable(store.state, store.now())) {
      if (done === null || done.until <= store.now() || undoing) return;
      if ("at" in done) {
        dispatch({ type: "brought_back", at: done.at });
        await core.bringBack({ which: "cleared_at", at: done.at }).catch(mishap);
        return;
      }
      undoing = true;
      if ("ids" in done) {
        try {
          dispatch({ type: "undone_each", ids: done.ids, incidents: await core.undoEach([...done.ids]) });
        } catch (problem) {
          mishap(problem);
          dispatch({ type: "undone_each", ids: done.ids, incidents: [] });
        }
        undoing = false;
        return;
      }
      try {
        await core.undo(done.id);
        dispatch({ type: "opened", id: done.id });
        await load(done.id);
      } catch (problem) {
        mishap(problem);
      }
      undoing = false;
      dispatch({ type: "undone", id: done.id });
    },

    /** Saves an alert for others to verify. @param {string} id */
    async saveEvidence(id) {
      if (store.state.evidence?.phase === "saving") return;
      dispatch({ type: "evidence", evidence: { id, phase: "saving", sentence: t("page.evidence.busy") } });
      try {
        dispatch({ type: "evidence", evidence: { id, phase: "saved", sentence: await core.saveEvidence(id) } });
      } catch (problem) {
        const { sentence } = /** @type {Problem} */ (problem);
        dispatch({ type: "evidence", evidence: { id, phase: "failed", sentence } });
      }
    },

    /** Somebody came to the page. */
    async came() {
      if (store.state.session === null) return;
      // What cannot be told is told the next time.
      const handover = await core.handover().catch(() => null);
      if (handover !== null) dispatch({ type: "handover", handover });
    },

    /** They are there still. */
    stays: () => void core.stays().catch(() => {}),

    closeHandover() {
      dispatch({ type: "handover", handover: null });
    },

    /** Its camera does not interrupt for a while. @param {string} id @param {SnoozeLength} length @param {string | null} why */
    snooze: (id, length, why) => core.snooze(id, length, why).catch(mishap),

    /** @param {string} camera @param {number} minutes */
    extendSnooze: (camera, minutes) => core.extendSnooze(camera, minutes).catch(mishap),

    /** @param {string} camera */
    endSnooze: (camera) => core.endSnooze(camera).catch(mishap),

    retry: () => core.retryNow().catch(mishap),

    forget: () => dispatch({ type: "mishap", sentence: null }),

    /** @param {string} code */
    closeNotice: (code) => core.closeNotice(code).catch(mishap),

    /** @param {Credentials} credentials */
    async signIn(credentials) {
      if (store.state.signIn.busy) return;
      dispatch({ type: "signing_in" });
      try {
        const session = await core.signIn(credentials);
        dispatch({ type: "signed_in", session });
        if (credentials.keepPassword && !session.password_kept) {
          dispatch({ type: "mishap", sentence: t("page.sign_in.not_kept") });
        }
      } catch (problem) {
        dispatch({ type: "sign_in_failed", problem: /** @type {Problem} */ (problem) });
      }
    },

    /** @param {number} volume */
    trySound(volume) {
      core.trySound(volume).catch(mishap);
    },

    /** @param {boolean} erase */
    signOut(erase) {
      dispatch({ type: "asked", question: null });
      core.signOut(erase).catch(mishap);
    },

    change,

    /** Blurs all pictures, or shows them again; where that is not taken, it is said wherever the person is. */
    async blur() {
      const { settings, wanted } = store.state;
      const blur = !(wanted ?? settings)?.blur;
      await change({ blur });
      const refused = store.state.unwanted ?? (store.state.settings?.blur === blur ? null : t("page.keys.blur_kept"));
      if (refused !== null) dispatch({ type: "mishap", sentence: refused });
    },
  };
}
