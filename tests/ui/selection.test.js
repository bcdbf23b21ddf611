import assert from "node:assert/strict";
import { test } from "node:test";

import { all, chosen, NONE, ofOneCamera, stretched, toggled } from "../../ui/selection.js";
import { INITIAL, reduce } from "../../ui/state.js";
import { incident } from "./support/world.js";

const feed = {
  ...INITIAL.feed,
  items: ["6", "5", "4", "3", "2", "1"].map((id) => ({
    type: /** @type {const} */ ("incident"),
    ...incident({ id, stream_id: Number(id) % 2 === 0 ? "even" : "odd", first_at: Number(id), last_at: Number(id) }),
  })),
};
const state = { ...INITIAL, feed };
const ids = (/** @type {import("../../ui/selection.js").Selection} */ selection) => chosen(feed, selection).map(({ id }) => id);

test("a stretch is from the anchor to the row, whichever is above, and takes the place of the one before", () => {
  const one = toggled(NONE, "4");
  const down = stretched(feed, one, "2", null);
  const up = stretched(feed, down, "6", null);

  assert.deepEqual(ids(down), ["4", "3", "2"]);
  assert.deepEqual(ids(up), ["6", "5", "4"]);
});

test("a stretch keeps what was chosen apart from it, and begins at the open alert where nothing is chosen", () => {
  const apart = toggled(toggled(NONE, "1"), "5");

  assert.deepEqual(ids(stretched(feed, apart, "6", null)), ["6", "5", "1"]);
  assert.deepEqual(ids(stretched(feed, NONE, "2", "3")), ["3", "2"]);
  assert.deepEqual(ids(stretched(feed, NONE, "2", "gone")), ["2"], "what it would begin at is not listed");
});

test("what is chosen and no longer listed counts for nothing", () => {
  const selection = all(feed);
  const shorter = { ...feed, items: feed.items.slice(0, 2) };

  assert.deepEqual(chosen(shorter, selection).map(({ id }) => id), ["6", "5"]);
});

test("the rest of a camera is offered only while all that are chosen are of it", () => {
  const two = toggled(toggled(NONE, "6"), "4");

  assert.deepEqual(ofOneCamera(feed, chosen(feed, two)), { stream: "even", listed: 3 });
  assert.equal(ofOneCamera(feed, chosen(feed, all(feed, "even"))), null, "nothing more to choose");
  assert.equal(ofOneCamera(feed, chosen(feed, toggled(two, "1"))), null);
});

test("many that are decided on are one thing to take back, and go from the list of what is open", () => {
  const open = { ...state, selection: all(feed, "even"), feed: { ...feed, query: { ...feed.query, filter: /** @type {const} */ ("unhandled") } } };
  const asked = ["6", "4", "2"];
  const handling = { state: /** @type {const} */ ("sending"), decision: /** @type {const} */ ("resolved"), undo_until: 20_000 };
  const incidents = asked.map((id) => ({ ...incident({ id, first_at: Number(id), last_at: Number(id) }), handling, unopened: true }));

  const deciding = reduce(open, { type: "deciding_each", ids: asked, decision: "resolved" });
  const decided = reduce(deciding, { type: "decided_each", asked, decision: "resolved", incidents, until: 20_000 });
  const told = reduce(decided, { type: "incident_changed", incident: incidents[0] ?? incident({ id: "6" }), counts: INITIAL.counts });
  const back = incidents.map((one) => ({ ...one, handling: { state: /** @type {const} */ ("open") } }));
  const [done] = decided.done;
  const undone = reduce(decided, { type: "undone_each", ids: done && "ids" in done ? done.ids : [], incidents: back });

  assert.equal(deciding.deciding["4"]?.state, "sending");
  assert.deepEqual(decided.feed.items.map((item) => item.id), ["5", "3", "1"]);
  assert.deepEqual([decided.selection.ids.size, decided.deciding, decided.done.length], [0, {}, 1]);
  assert.equal(told.done.length, 1, "one of them is no other thing to take back");
  assert.deepEqual(undone.feed.items.map((item) => item.id), ["6", "5", "4", "3", "2", "1"]);
  assert.deepEqual(undone.done, []);
});

test("many that could not be decided on are what they were, and it is said why", () => {
  const deciding = reduce(state, { type: "deciding_each", ids: ["6", "5"], decision: "false_alarm" });
  const failed = reduce(deciding, { type: "decide_each_failed", ids: ["6", "5"], sentence: "Not stored." });

  assert.deepEqual([failed.deciding, failed.mishap], [{}, "Not stored."]);
});

test("five hundred are chosen and decided on without a pause", () => {
  const items = Array.from({ length: 500 }, (_, index) => ({ type: /** @type {const} */ ("incident"), ...incident({ id: `${500 - index}` }) }));
  const many = { ...state, feed: { ...feed, items } };
  const handling = { state: /** @type {const} */ ("sending"), decision: /** @type {const} */ ("resolved"), undo_until: 1 };
  const asked = items.map((item) => item.id);
  const incidents = asked.map((id) => ({ ...incident({ id }), handling }));

  const began = performance.now();
  const selected = reduce(many, { type: "selected", selection: stretched(many.feed, toggled(NONE, "500"), "1", null) });
  const decided = reduce(selected, { type: "decided_each", asked, decision: "resolved", incidents, until: 1 });
  const took = performance.now() - began;

  assert.equal(chosen(selected.feed, selected.selection).length, 500);
  assert.equal(decided.feed.items.every((item) => item.type === "incident" && item.handling.state === "sending"), true);
  assert.ok(took < 1_000, `${took} ms`);
});

test("what is opened again is open, and can be taken back as a decision can", () => {
  const reopened = incident({ id: "6", handling: { state: "reopened", here: true, sent: false, at: 1, undo_until: 9_000 } });
  const changed = reduce(state, { type: "incident_changed", incident: reopened, counts: INITIAL.counts });

  assert.deepEqual(changed.done, [{ id: "6", camera: "Aisle 3", decision: "reopened", until: 9_000 }]);
});
