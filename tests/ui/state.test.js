import assert from "node:assert/strict";
import { test } from "node:test";

import { EVERYTHING, isMoreOpen, MORE, ROWS } from "../../ui/listing.js";
import { alertOf, handlingOf, INITIAL, reduce } from "../../ui/state.js";
import { alert, detail, incident, world, NO_PAGE } from "./support/world.js";

const NOW = Date.UTC(2025, 10, 21, 13);
const COUNTS = { unhandled: 1, unseen: 1, total: 3, cleared: 0, today: 2 };

test("a snapshot fills the page and sets its clock by the program's", () => {
  const state = started("full");

  assert.equal(state.ready, true);
  assert.equal(state.ahead, 500);
  assert.equal(state.place, "feed");
  assert.equal(state.feed.items.length, 11);
});

test("nobody signed in leads to the form, signing in leads back to the alerts", () => {
  const out = started("sign_in");
  const busy = reduce(out, { type: "signing_in" });
  const session = started("full").session;
  assert.ok(session);

  const told = reduce(busy, { type: "session", session });
  const done = reduce(told, { type: "signed_in", session });

  assert.equal(out.place, "sign_in");
  assert.equal(told.place, "sign_in", "stays until the answer is there");
  assert.equal(done.place, "feed");
  assert.equal(done.signIn.busy, false);
});

test("a new incident comes first, one more alert of it stays in its place", () => {
  const fresh = incident({ id: "90", first_at: NOW, last_at: NOW });
  const first = reduce(started("full"), added(fresh, "9000"));
  const newer = reduce(first, added(incident({ id: "91", first_at: NOW + 1, last_at: NOW + 1 }), "9100"));
  const again = reduce(newer, added({ ...fresh, alerts: 2, last_at: NOW + 9_000 }, "9001"));

  assert.deepEqual(ids(again).slice(0, 2), ["91", "90"]);
  assert.equal(again.feed.items.length, 13);
  assert.equal(find(again, "90")?.alerts, 2);
});

test("what an event does not touch keeps its identity", () => {
  const before = started("full");

  const after = reduce(before, added(incident({ id: "90", first_at: NOW, last_at: NOW }), "9000"));

  assert.equal(after.feed.items[3], before.feed.items[2]);
  assert.equal(after.settings, before.settings);
  assert.equal(reduce(before, { type: "closed" }).feed, before.feed);
});

test("an alert that repeats is shown once", () => {
  const shown = incident({ id: "12", first_at: NOW, last_at: NOW });
  const open = reduce(reduce(started("full"), { type: "opened", id: "12" }), { type: "detail_loaded", detail: detail(shown) });

  const once = reduce(open, added(shown, "1290"));
  const twice = reduce(once, added(shown, "1290"));

  assert.equal(once.shown?.detail?.alerts.length, 2);
  assert.equal(twice.shown?.detail?.alerts.length, 2);
});

test("a changed alert keeps its place in the strip", () => {
  const shown = incident({ id: "12", alerts: 3 });
  const open = reduce(reduce(started("full"), { type: "opened", id: "12" }), { type: "detail_loaded", detail: detail(shown) });

  const state = reduce(open, { type: "alert_changed", incident: "12", alert: alert({ id: "1201", anomaly_id: "a-1" }) });

  assert.deepEqual(state.shown?.detail?.alerts.map((item) => item.anomaly_id), [null, "a-1", null]);
});

test("the newest picture is shown until one is chosen", () => {
  const shown = incident({ id: "12", alerts: 2 });
  const open = reduce(reduce(started("full"), { type: "opened", id: "12" }), { type: "detail_loaded", detail: detail(shown) });
  const later = reduce(open, added({ ...shown, alerts: 3 }, "1290"));
  const blind = reduce(later, { ...added({ ...shown, alerts: 4 }, "1291"), alert: alert({ id: "1291", frame: null }) });
  const chosen = reduce(blind, { type: "frame_chosen", alert: "1200" });
  const after = reduce(chosen, added({ ...shown, alerts: 5 }, "1292"));

  assert.equal(showing(open), "1201");
  assert.equal(showing(later), "1290");
  assert.equal(showing(blind), "1290", "an alert without a picture does not push one away");
  assert.equal(showing(after), "1200", "the choice stays");
});

test("a decision is sending until the program says otherwise", () => {
  const before = started("full");
  const item = find(before, "12");
  assert.ok(item);

  const sending = reduce(before, { type: "deciding", id: "12", decision: "acknowledged" });
  const seen = reduce(sending, { type: "incident_changed", incident: { ...item, seen: true }, counts: COUNTS });
  const recorded = reduce(seen, {
    type: "incident_changed",
    incident: { ...item, handling: { state: "recorded", decision: "acknowledged", here: true, at: NOW } },
    counts: COUNTS,
  });

  assert.equal(handlingOf(sending, item).state, "sending");
  assert.equal(handlingOf(seen, item).state, "sending", "another change does not end it");
  assert.equal(handlingOf(recorded, /** @type {any} */ (find(recorded, "12"))).state, "recorded");
  assert.deepEqual(recorded.deciding, {});
});

test("a decision that fails says why and can be made again", () => {
  const before = started("full");
  const item = find(before, "12");
  assert.ok(item);

  const failed = reduce(reduce(before, { type: "deciding", id: "12", decision: "acknowledged" }), {
    type: "decide_failed",
    id: "12",
    decision: "acknowledged",
    sentence: "The disk is full.",
  });

  assert.deepEqual(handlingOf(failed, item), { state: "refused", decision: "acknowledged", sentence: "The disk is full." });
  assert.equal(handlingOf(reduce(failed, { type: "deciding", id: "12", decision: "acknowledged" }), item).state, "sending");
});

test("among the not handled, what is handled leaves once nobody looks at it", () => {
  const all = started("full");
  const query = { ...EVERYTHING, filter: /** @type {const} */ ("unhandled") };
  const page = { items: all.feed.items.filter((item) => item.type === "incident" && item.handling.state === "open"), ...NO_PAGE };
  const asked = reduce(reduce(all, { type: "query_changed", query }), { type: "feed_loaded", query, page, way: "anew" });
  const open = reduce(asked, { type: "opened", id: "12" });
  const item = find(open, "12");
  assert.ok(item);

  const handled = reduce(open, {
    type: "incident_changed",
    incident: { ...item, handling: { state: "sending", decision: "acknowledged", undo_until: null } },
    counts: COUNTS,
  });
  const gone = reduce(handled, { type: "closed" });

  assert.deepEqual(ids(handled), ["12", "13"]);
  assert.deepEqual(ids(gone), ["13"]);
});

test("an arrival that was not asked for stays out of the list", () => {
  const query = { ...EVERYTHING, search: "till two" };
  const asked = reduce(reduce(started("full"), { type: "query_changed", query }), { type: "feed_loaded", query, page: { ...NO_PAGE, items: [] }, way: "anew" });

  const other = reduce(asked, added(incident({ id: "90", camera: "Aisle 3" }), "9000"));
  const match = reduce(other, added(incident({ id: "91", camera: "Till Two" }), "9100"));

  assert.deepEqual(ids(match), ["91"]);
});

test("while a search means a day, an arrival of that day that says the rest of it is listed", () => {
  const query = { ...EVERYTHING, search: "person 28 nov" };
  const page = { ...NO_PAGE, items: [], understood: { words: "person", from: NOW, to: NOW + 60_000 } };
  const asked = reduce(reduce(started("full"), { type: "query_changed", query }), { type: "feed_loaded", query, page, way: "anew" });

  const arrivals = [
    incident({ id: "90", kind: "intrusion", first_at: NOW }),
    incident({ id: "91", kind: "theft", first_at: NOW }),
    incident({ id: "92", kind: "intrusion", first_at: NOW - 1 }),
    incident({ id: "93", kind: "intrusion", first_at: NOW + 60_000 }),
  ];
  const state = arrivals.reduce((state, arrival) => reduce(state, added(arrival, `${arrival.id}00`)), asked);

  assert.deepEqual(ids(state), ["90"]);
  assert.equal(reduce(state, { type: "query_changed", query: EVERYTHING }).feed.understood, null);
});

test("an answer to a question that is no longer asked is ignored", () => {
  const state = started("full");
  const query = { ...EVERYTHING, search: "till" };

  const late = reduce(reduce(state, { type: "query_changed", query }), {
    type: "feed_loaded",
    query: { ...EVERYTHING, search: "ti" },
    page: { ...NO_PAGE, items: [] },
    way: "anew",
  });

  assert.equal(late.feed.phase, "loading");
  assert.equal(late.feed.items.length, 11);
});

test("a narrowed list takes no arrival that was not asked for, and says nothing about its shop before it is known", () => {
  const shops = [{ id: "s1", name: "Main Street" }, { id: "s2", name: "Station Road" }];
  const query = { ...EVERYTHING, severity: /** @type {const} */ ("high"), shop: "s1", since: NOW };
  const page = { ...NO_PAGE, items: [], shops };
  const asked = reduce(reduce(started("full"), { type: "query_changed", query }), { type: "feed_loaded", query, page, way: "anew" });

  const arrivals = [
    incident({ id: "90", first_at: NOW }),
    incident({ id: "91", first_at: NOW, severity: "medium" }),
    incident({ id: "92", first_at: NOW, shop: "Station Road" }),
    incident({ id: "93", first_at: NOW, shop: null }),
    incident({ id: "94", first_at: NOW - 1 }),
  ];
  const after = arrivals.reduce((state, item) => reduce(state, added(item, `${item.id}00`)), asked);

  assert.deepEqual(ids(after), ["90"]);
});

test("what somebody else decided first is kept apart from what was decided here, until we decide again", () => {
  const item = find(started("full"), "12");
  assert.ok(item);
  /** @param {import("../../ui/state.js").State} state @param {import("../../ui/types.d.ts").Handling} handling */
  const change = (state, handling) => reduce(state, { type: "incident_changed", incident: { ...item, handling }, counts: COUNTS });
  const theirs = /** @type {const} */ ({ state: "recorded", decision: "resolved", here: false, at: NOW });

  const untouched = change(started("full"), theirs);
  const agreed = change(reduce(started("full"), { type: "deciding", id: "12", decision: "resolved" }), theirs);
  const beaten = change(reduce(started("full"), { type: "deciding", id: "12", decision: "acknowledged" }), theirs);
  const stored = change(change(started("full"), { state: "sending", decision: "acknowledged", undo_until: null }), theirs);
  const again = change(beaten, { ...theirs, decision: "false_alarm", here: true });

  assert.deepEqual([untouched.overruled, agreed.overruled], [{}, {}]);
  assert.deepEqual([beaten.overruled, stored.overruled], [{ 12: "acknowledged" }, { 12: "acknowledged" }]);
  assert.deepEqual(again.overruled, {});
});

test("a report about another time than is asked about is ignored", () => {
  const today = { from: NOW, to: NOW + 1 };
  const week = { from: NOW - 7, to: NOW + 1 };
  const { report } = world("full", NOW);
  const asked = reduce(reduce(started("full"), { type: "report_asked", query: week }), { type: "period_chosen", period: "today" });
  const now = reduce(asked, { type: "report_asked", query: today });

  const late = reduce(now, { type: "report_loaded", query: week, report, at: NOW });
  const failed = reduce(late, { type: "report_failed", query: week, sentence: "No." });
  const shown = reduce(failed, { type: "report_loaded", query: today, report, at: NOW });
  const renewed = reduce(shown, { type: "report_asked", query: { ...today } });

  assert.equal(failed.ledger.report, null);
  assert.equal(failed.ledger.phase, "loading");
  assert.equal(shown.ledger.report, report);
  assert.equal(renewed.ledger.report, report, "while it is made anew the old one stays");
  assert.equal(reduce(renewed, { type: "period_chosen", period: "week" }).ledger.report, null, "but not for another time");
});

test("a test of the alert path is asked for, under way, and over", () => {
  const last = { at: NOW, passed: true, took_ms: 600, sentence: "It came back." };
  const before = started("full");

  const asked = reduce(before, { type: "drill_asked" });
  const running = reduce(asked, { type: "drill", drill: { running: true, last: before.drill.view.last } });
  const done = reduce(running, { type: "drill_done", result: last });
  const refused = reduce(asked, { type: "drill_refused", sentence: "No connection." });

  assert.equal(asked.drill.asked, true);
  assert.deepEqual(running.drill, { view: { running: true, last: before.drill.view.last }, asked: false, refused: null });
  assert.deepEqual(done.drill, { view: { running: false, last }, asked: false, refused: null });
  assert.deepEqual([refused.drill.asked, refused.drill.refused, refused.drill.view], [false, "No connection.", before.drill.view]);
});

test("more is open than the list holds only where the program counts more, late as it may be", () => {
  const item = (/** @type {string} */ id, /** @type {import("../../ui/types.d.ts").Handling} */ handling) => ({ type: /** @type {const} */ ("incident"), ...incident({ id, handling }) });
  const open = /** @type {const} */ ({ state: "open" });
  const sending = /** @type {const} */ ({ state: "sending", decision: "resolved", undo_until: null });
  const state = (/** @type {number} */ unhandled, /** @type {import("../../ui/types.d.ts").FeedItem[]} */ items) => ({ ...INITIAL, counts: { ...COUNTS, unhandled }, feed: { ...INITIAL.feed, items } });

  assert.equal(isMoreOpen(state(1, [item("1", open)])), false, "it is not told yet that it was decided");
  assert.equal(isMoreOpen(state(1, [item("1", sending)])), false, "its row is told, the number is not");
  assert.equal(isMoreOpen(state(2, [item("1", sending)])), true);
});

test("a decision that was not taken brings its alert back among those that are not handled", () => {
  const refused = incident({ id: "12", handling: { state: "refused", decision: "resolved", sentence: "No." } });
  const before = { ...INITIAL, feed: { ...INITIAL.feed, query: { ...INITIAL.feed.query, filter: /** @type {const} */ ("unhandled") } } };

  const after = reduce(before, { type: "incident_changed", incident: refused, counts: INITIAL.counts });

  assert.deepEqual(after.feed.items.map((item) => item.id), ["12"]);
});

test("what is dismissed leaves the list and the large view", () => {
  const open = reduce(started("full"), { type: "opened", id: "12" });

  const state = reduce(open, { type: "incidents_removed", ids: ["12", "13"], counts: COUNTS });

  assert.equal(state.shown, null);
  assert.equal(state.feed.items.length, 9);
});

test("a notification that was clicked opens its incident over anything but the form", () => {
  const settings = reduce(started("full"), { type: "went", place: "settings" });

  const state = reduce(settings, { type: "open", incident: "13" });

  assert.equal(state.place, "feed");
  assert.equal(state.shown?.id, "13");
});

test("being signed out closes what was open", () => {
  const open = reduce(started("full"), { type: "opened", id: "12" });

  const state = reduce(reduce(open, { type: "report_asked", query: { from: 0, to: 1 } }), { type: "session", session: null });

  assert.equal(state.ledger.query, null, "the next account's report is another");
  assert.equal(state.shown, null);
  assert.equal(state.place, "sign_in");
});

test("a storm keeps a bounded list", () => {
  let state = started("empty");
  for (let n = 0; n < 1_000; n += 1) {
    state = reduce(state, added(incident({ id: String(n), first_at: NOW + n, last_at: NOW + n }), `${n}00`));
    assert.ok(state.feed.items.length <= ROWS + MORE);
  }

  assert.equal(ids(state)[0], "999");
  assert.equal(state.feed.next, ids(state).at(-1), "older ones can be asked for");
  assert.deepEqual([state.feed.previous, state.feed.above], [null, 0]);
});

test("however far somebody scrolls, the list holds as many rows, and can go back", () => {
  const rows = (/** @type {number} */ from) => Array.from({ length: 50 }, (_, n) => ({ type: /** @type {const} */ ("incident"), ...incident({ id: String(10_000 - from - n), first_at: NOW - from - n }) }));
  let state = reduce(started("full"), { type: "feed_loaded", query: EVERYTHING, page: { ...NO_PAGE, items: rows(0), next: "a" }, way: "anew" });
  for (let from = 50; from < 5_000; from += 50) {
    const page = { ...NO_PAGE, items: rows(from), next: from + 50 < 5_000 ? "b" : null };
    state = reduce(state, { type: "feed_loaded", query: EVERYTHING, page, way: "older" });
    assert.ok(state.feed.items.length <= ROWS);
  }

  assert.deepEqual([ids(state).at(-1), state.feed.next], ["5001", null]);
  assert.deepEqual([state.feed.previous, state.feed.above], [ids(state)[0], 4_800]);

  const up = reduce(state, { type: "feed_loaded", query: EVERYTHING, page: { ...NO_PAGE, items: rows(4_750), previous: "c" }, way: "newer" });

  assert.deepEqual([ids(up)[0], ids(up).length, up.feed.above, up.feed.previous], ["5250", ROWS, 4_750, "c"]);
  assert.equal(up.feed.next, ids(up).at(-1), "what went below can be asked for again");
});

test("what arrives above rows that are not here is counted and not mixed in", () => {
  const page = { ...NO_PAGE, items: [{ type: /** @type {const} */ ("incident"), ...incident({ id: "5", first_at: NOW }) }], previous: "x", above: 70 };
  const away = reduce(started("full"), { type: "feed_loaded", query: EVERYTHING, page, way: "anew" });

  const arrival = incident({ id: "90", first_at: NOW + 1 });
  const once = reduce(away, added(arrival, "9000"));
  const twice = reduce(once, added({ ...arrival, alerts: 2 }, "9001"));
  const top = reduce(twice, { type: "feed_loaded", query: EVERYTHING, page: { ...NO_PAGE, items: [] }, way: "anew" });

  assert.deepEqual([ids(twice), twice.feed.waiting, twice.feed.above], [["5"], ["90"], 71]);
  assert.deepEqual(top.feed.waiting, []);
});

test("a filter lists an arrival that it would list, and no other", () => {
  const handled = (/** @type {boolean} */ here) => ({ state: /** @type {const} */ ("recorded"), decision: /** @type {const} */ ("resolved"), here, at: NOW });
  const arrival = incident({ id: "90", kind: "intrusion", stream_id: "s1", first_at: NOW, handling: handled(true) });
  const lists = (/** @type {Partial<import("../../ui/state.js").Query>} */ narrowed, incident = arrival) => {
    const query = { ...EVERYTHING, ...narrowed };
    const asked = reduce(reduce(started("full"), { type: "query_changed", query }), { type: "feed_loaded", query, page: { ...NO_PAGE, items: [] }, way: "anew" });
    return ids(reduce(asked, added(incident, "9000"))).length === 1;
  };

  assert.deepEqual([lists({ camera: "s1" }), lists({ camera: "s2" })], [true, false]);
  assert.deepEqual([lists({ kind: "intrusion" }), lists({ kind: "theft" })], [true, false]);
  assert.deepEqual([lists({ decision: "resolved" }), lists({ decision: "acknowledged" })], [true, false]);
  assert.deepEqual([lists({ who: "me" }), lists({ who: "others" }), lists({ who: "others" }, { ...arrival, handling: handled(false) })], [true, false, true]);
  assert.equal(lists({ who: "me" }, { ...arrival, handling: { state: "open" } }), false, "nobody decided");
  assert.equal(lists({ decision: "resolved" }, { ...arrival, handling: { state: "refused", decision: "resolved", sentence: "" } }), false);
  assert.deepEqual([lists({ since: NOW, until: NOW + 1 }), lists({ since: NOW - 1, until: NOW })], [true, false]);
});

test("older rows are added once, below", () => {
  const state = started("full");
  const page = { items: [.../** @type {any} */ (state.feed.items.slice(-2)), { type: "incident", ...incident({ id: "5" }) }], ...NO_PAGE };

  const older = reduce(state, { type: "feed_loaded", query: state.feed.query, page, way: "older" });

  assert.equal(older.feed.items.length, 12);
  assert.equal(ids(older).at(-1), "5");
});

test("settings are shown as wished and fall back when refused", () => {
  const state = started("full");
  assert.ok(state.settings);
  const wish = { ...state.settings, sound: false };

  const wanted = reduce(state, { type: "settings_wanted", settings: wish });
  const refused = reduce(wanted, { type: "settings_refused", sentence: "The disk is full." });
  const taken = reduce(wanted, { type: "settings", settings: wish });

  assert.equal(wanted.wanted?.sound, false);
  assert.equal(refused.wanted, null);
  assert.equal(refused.settings?.sound, true);
  assert.equal(refused.unwanted, "The disk is full.");
  assert.equal(taken.settings?.sound, false);
});

test("an event of a newer program is an error of its own, not a broken page", () => {
  assert.throws(() => reduce(INITIAL, /** @type {any} */ ({ type: "made_up" })), /unknown event/);
});

/** @param {import("./support/world.js").Scenario} scenario */
function started(scenario) {
  const { snapshot } = world(scenario, NOW);
  assert.ok(snapshot);
  return reduce(INITIAL, { type: "started", snapshot, at: NOW - 500 });
}

/**
 * @param {import("../../ui/types.d.ts").Incident} item
 * @param {string} id
 * @returns {Extract<import("../../ui/types.d.ts").Event, { type: "alert_added" }>}
 */
function added(item, id) {
  return { type: "alert_added", incident: item, alert: alert({ id }), counts: COUNTS };
}

/** @param {import("../../ui/state.js").State} state */
function ids(state) {
  return state.feed.items.map((item) => item.id);
}

/** @param {import("../../ui/state.js").State} state @param {string} id */
function find(state, id) {
  const item = state.feed.items.find((item) => item.id === id);
  return item?.type === "incident" ? item : undefined;
}

/** @param {import("../../ui/state.js").State} state */
function showing(state) {
  return state.shown ? alertOf(state.shown)?.id : undefined;
}
