/**
 * What a person can do: each function asks the program for it and tells the store what came of it. Nothing is shown as
 * done here; that is for the program's events.
 *
 * @import { Decision, Problem, SettingsView } from "./types.d.ts"
 * @import { Place, Query, Question } from "./state.js"
 * @import { Store } from "./store.js"
 */

import * as core from "./core.js";
import { ROWS, STEP } from "./listing.js";

/** How soon a broken subscription is tried again. */
const RETRY = 2_000;

/** @typedef {ReturnType<typeof actions>} Actions */

/** @param {Store} store */
export function actions(store) {
  const dispatch = store.dispatch.bind(store);
  let asking = 0;

  /** @param {unknown} problem */
  const mishap = (problem) => dispatch({ type: "mishap", sentence: /** @type {Problem} */ (problem).sentence });

  /** Asks for the program's state and its events, again and again until it answers. */
  async function start() {
    try {
      const { snapshot, start: flow } = await core.subscribe(receive, start);
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
    dispatch(event);
    if (event.type === "feed_changed") refresh();
    if (event.type === "open") load(event.incident);
  }

  /** Asks for the feed anew if more changed than was told; one question at a time. */
  async function refresh() {
    if (!store.state.feed.stale || asking > 0) return;
    const { shown } = store.state;
    await Promise.all([askFeed(false), shown && load(shown.id)]);
  }

  /** @param {boolean} older */
  async function askFeed(older) {
    dispatch({ type: "feed_asked", older });
    const { query, next } = store.state.feed;
    asking += 1;
    try {
      const page = await core.feed({ ...query, before: older ? next : null });
      dispatch({ type: "feed_loaded", query, page, older });
    } catch (problem) {
      dispatch({ type: "feed_failed", query, sentence: /** @type {Problem} */ (problem).sentence });
    } finally {
      asking -= 1;
    }
    await refresh();
  }

  /** @param {string} id */
  async function load(id) {
    try {
      dispatch({ type: "detail_loaded", detail: await core.incident(id) });
    } catch (problem) {
      dispatch({ type: "detail_failed", id, sentence: /** @type {Problem} */ (problem).sentence });
    }
  }

  return {
    start,

    /** @param {Place} place */
    go: (place) => dispatch({ type: "went", place }),

    /** @param {Question | null} question */
    ask: (question) => dispatch({ type: "asked", question }),

    /** @param {Partial<Query>} query */
    search(query) {
      const { feed } = store.state;
      const asked = { ...feed.query, ...query };
      if (asked.filter === feed.query.filter && asked.search === feed.query.search) return;
      dispatch({ type: "query_changed", query: asked });
      askFeed(false);
    },

    /** Asks for the feed after that failed. */
    reload: () => askFeed(false),

    /** Shows the rows below the last. */
    older() {
      const { feed } = store.state;
      if (feed.phase === "older") return;
      if (feed.from + ROWS < feed.items.length) dispatch({ type: "window_moved", by: STEP });
      else askFeed(feed.next !== null);
    },

    /** Shows the rows above the first. */
    newer: () => dispatch({ type: "window_moved", by: -STEP }),

    /** @param {string} id */
    open(id) {
      if (store.state.shown?.id === id && store.state.shown.phase !== "failed") return;
      dispatch({ type: "opened", id });
      load(id);
    },

    close: () => dispatch({ type: "closed" }),

    /** @param {string} alert */
    choose: (alert) => dispatch({ type: "frame_chosen", alert }),

    /** @param {string} id @param {Decision} decision */
    async decide(id, decision) {
      if (store.state.deciding[id]?.state === "sending") return;
      dispatch({ type: "deciding", id, decision });
      try {
        await core.decide(id, decision);
      } catch (problem) {
        dispatch({ type: "decide_failed", id, decision, sentence: /** @type {Problem} */ (problem).sentence });
      }
    },

    /** @param {string} id */
    dismiss: (id) => core.dismiss(id).catch(mishap),

    /** @param {string} id */
    seen: (id) => core.seen(id).catch(() => undefined),

    clearAll() {
      dispatch({ type: "asked", question: null });
      core.clearAll().catch(mishap);
    },

    retry: () => core.retryNow().catch(mishap),

    forget: () => dispatch({ type: "mishap", sentence: null }),

    /** @param {string} server @param {string} email @param {string} password */
    async signIn(server, email, password) {
      if (store.state.signIn.busy) return;
      dispatch({ type: "signing_in" });
      try {
        dispatch({ type: "signed_in", session: await core.signIn(server, email, password) });
      } catch (problem) {
        dispatch({ type: "sign_in_failed", problem: /** @type {Problem} */ (problem) });
      }
    },

    /** @param {boolean} erase */
    signOut(erase) {
      dispatch({ type: "asked", question: null });
      core.signOut(erase).catch(mishap);
    },

    /** @param {Partial<SettingsView>} change */
    async change(change) {
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
    },
  };
}
