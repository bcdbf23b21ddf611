import assert from "node:assert/strict";
import { test } from "node:test";

import { arrival, worthSaying } from "../../ui/announce.js";
import { INITIAL, reduce } from "../../ui/state.js";
import { alert, incident, world } from "./support/world.js";

const COUNTS = { unhandled: 1, unseen: 1, total: 1, cleared: 0, today: 1 };

test("a new incident is said once, its further alerts are not", () => {
  const first = incident({ id: "1" });

  assert.deepEqual(say({ type: "alert_added", incident: first, alert: alert({ id: "10" }), counts: COUNTS }), { incident: first });
  assert.equal(say({ type: "alert_added", incident: { ...first, alerts: 2 }, alert: alert({ id: "11" }), counts: COUNTS }), null);
  assert.equal(arrival(first), "New alert: Theft pattern, Aisle 3, High.");
});

test("only deaf and signed out interrupt", () => {
  const urgent = /** @type {const} */ (["offline", "deaf", "signed_out", "catching_up"]).map((scenario) => {
    const status = world(scenario, 0).snapshot?.status;
    assert.ok(status);
    return Object.keys(say({ type: "status", status }) ?? {})[0];
  });

  assert.deepEqual(urgent, ["polite", "urgent", "urgent", "polite"]);
});

test("the same status said again is not said again", () => {
  const status = world("full", 0).snapshot?.status;
  assert.ok(status);

  assert.equal(say({ type: "status", status: { ...status, heard_at: 5 } }), null);
});

test("a decision is said when it is recorded, not when it is pressed", () => {
  const open = incident({ id: "12" });
  const sending = /** @type {const} */ ({ state: "sending", decision: "acknowledged", undo_until: null });
  const recorded = /** @type {const} */ ({ state: "recorded", decision: "acknowledged", here: true, at: 0 });
  const waiting = reduce(base(), { type: "incident_changed", incident: { ...open, handling: sending }, counts: COUNTS });

  assert.equal(say({ type: "deciding", id: "12", decision: "acknowledged" }), null);
  assert.deepEqual(say({ type: "incident_changed", incident: { ...open, handling: recorded }, counts: COUNTS }, waiting), { polite: "Recorded: Aisle 3." });
  assert.equal(say({ type: "incident_changed", incident: { ...open, handling: { ...recorded, here: false } }, counts: COUNTS }, waiting), null);
});

test("a decision that somebody else forestalled is said, one that agrees is not", () => {
  const open = incident({ id: "12" });
  const waiting = reduce(base(), { type: "deciding", id: "12", decision: "acknowledged" });
  const theirs = /** @type {const} */ ({ state: "recorded", decision: "resolved", here: false, at: 0 });

  assert.deepEqual(say({ type: "incident_changed", incident: { ...open, handling: theirs }, counts: COUNTS }, waiting), {
    polite: "Not sent: Aisle 3. Somebody else decided first.",
  });
  assert.equal(say({ type: "incident_changed", incident: { ...open, handling: { ...theirs, decision: "acknowledged" } }, counts: COUNTS }, waiting), null);
});

test("the end of a test of the alert path is said once", () => {
  const last = { at: 9, passed: true, took_ms: 600, sentence: "It came back." };
  const ended = /** @type {const} */ ({ type: "drill", drill: { running: false, last } });

  assert.equal(say({ type: "drill", drill: { running: true, last: null } }), null);
  assert.deepEqual(say(ended), { polite: "The test of the alert path passed. It came back." });
  assert.equal(say(ended, reduce(base(), ended)), null);
  assert.equal(say({ type: "drill_done", result: last }, reduce(base(), ended)), null, "the answer to the button says it again");
  assert.notEqual(say({ type: "drill_done", result: last }), null, "unless it comes first");
  assert.deepEqual(say({ type: "drill", drill: { running: false, last: { ...last, passed: false, sentence: "Look." } } }), {
    polite: "The test of the alert path failed. Look.",
  });
});

function base() {
  const { snapshot } = world("full", 1_763_700_000_000);
  assert.ok(snapshot);
  return reduce(INITIAL, { type: "started", snapshot, at: 0 });
}

/** @param {Parameters<typeof reduce>[1]} event */
function say(event, before = base()) {
  return worthSaying(before, reduce(before, event), event);
}
