import assert from "node:assert/strict";
import { test } from "node:test";

import { beganAt, dayAfter, delayOf, ledgerRows, readDay, readTime, timeBetween, timeOf, verdictOf, writeDay } from "../../ui/ledger.js";
import { report } from "./support/reports.js";
import { incident, world } from "./support/world.js";

const NOW = new Date(2025, 10, 21, 14, 3, 23).getTime();
const MIDNIGHT = new Date(2025, 10, 21).getTime();

test("a period is whole days, today among them", () => {
  assert.deepEqual(timeOf("today", NOW), { from: MIDNIGHT, to: new Date(2025, 10, 22).getTime() });
  assert.deepEqual(timeOf("week", NOW), { from: new Date(2025, 10, 15).getTime(), to: new Date(2025, 10, 22).getTime() });
  assert.deepEqual(timeOf("month", NOW), { from: new Date(2025, 9, 23).getTime(), to: new Date(2025, 10, 22).getTime() });
  assert.equal(timeOf("range", NOW), null);
});

test("a range has both of its days, in their order", () => {
  const first = new Date(2025, 2, 29).getTime();
  const last = new Date(2025, 2, 31).getTime();

  assert.deepEqual(timeBetween(first, last), { from: first, to: new Date(2025, 3, 1).getTime() });
  assert.deepEqual(timeBetween(first, first), { from: first, to: dayAfter(first, 1) });
  assert.equal(timeBetween(last, first), null);
  assert.equal(timeBetween(null, last), null);
});

test("a day is read in the ways people write it, and in no others", () => {
  const day = new Date(2025, 10, 2).getTime();

  assert.deepEqual(["2025-11-02", " 2025-11-2 ", "2.11.2025", "02/11/2025"].map(readDay), [day, day, day, day]);
  for (const typed of ["", "2025-02-30", "31.02.2025", "2025-13-01", "yesterday", "0000-01-01", "1.1.25", "2025-11-02T00:00"]) {
    assert.equal(readDay(typed), null, typed);
  }
  assert.equal(readDay(writeDay(NOW)), MIDNIGHT);
});

test("a time of day is read in the ways people write it, and in no others", () => {
  assert.deepEqual(["09:00", "9:00", "9.05", "21h30", " 7 ", "00:00", "23:59"].map(readTime), ["09:00", "09:00", "09:05", "21:30", "07:00", "00:00", "23:59"]);
  for (const typed of ["", "24:00", "9:60", "9:5", "nine", "-1", "12:00:00", "4006381333931"]) {
    assert.equal(readTime(typed), null, typed);
  }
});

test("nothing is called whole that cannot be known to be", () => {
  const day = told("day");
  const past = { ...day, to: MIDNIGHT };

  assert.equal(verdictOf(day, status("full"), NOW), "whole");
  for (const scenario of /** @type {const} */ (["offline", "deaf", "catching_up", "signed_out"])) {
    assert.equal(verdictOf(day, status(scenario), NOW), "pending", scenario);
    assert.equal(verdictOf(past, status(scenario), NOW), "whole", `${scenario}, of another day`);
  }
  assert.equal(verdictOf(day, null, NOW), "pending");
  assert.equal(verdictOf(told("outage"), status("full"), NOW), "pending");
  assert.equal(verdictOf({ ...told("outage"), to: MIDNIGHT }, status("offline"), NOW), "pending", "an outage since yesterday");
});

test("what is lost comes before what is uncertain, and what was filled is neither", () => {
  const gap = told("gap");
  const filled = { ...gap, gaps: gap.gaps.map((gap) => ({ ...gap, filled: true })) };

  assert.equal(verdictOf(gap, status("full"), NOW), "gap");
  assert.equal(verdictOf({ ...gap, lost: 1 }, status("full"), NOW), "lost");
  assert.equal(verdictOf(filled, status("full"), NOW), "whole");
});

test("each day is announced above its first alert, also when the order is mixed", () => {
  const alerts = [NOW, NOW - 60_000, dayAfter(NOW, -1) + 60_000, NOW - 120_000];
  const { entries } = report(alerts.map((at, index) => incident({ id: String(10 + index), first_at: at, last_at: at })), "day", NOW);

  const rows = ledgerRows(entries);

  assert.deepEqual(rows.map(({ entry }) => entry?.incident ?? "day"), ["day", "10", "11", "day", "12", "day", "13"]);
  assert.equal(new Set(rows.map(({ key }) => key)).size, rows.length);
  assert.equal(beganAt({ .../** @type {any} */ (entries[0]), detected_at: null, detected_here: null }), entries[0]?.received_at);
});

test("a delay is told by one clock, and not at all where the two cannot be compared", () => {
  const ahead = { detected_at: NOW + 598_000, detected_here: NOW - 2_000, received_at: NOW };

  assert.equal(delayOf(ahead), 2_000);
  assert.equal(beganAt(ahead), NOW - 2_000);
  assert.equal(delayOf({ ...ahead, detected_here: null }), null);
  assert.equal(beganAt({ ...ahead, detected_here: null }), NOW + 598_000);
  assert.equal(delayOf({ ...ahead, detected_here: NOW + 1 }), null, "not before it was detected");
  assert.equal(delayOf({ ...ahead, detected_here: NOW - 8 * 24 * 3_600_000 }), null, "a clock was set");
});

/** @param {Parameters<typeof report>[1]} what */
function told(what) {
  return report([incident({ id: "12", first_at: NOW, last_at: NOW })], what, NOW);
}

/** @param {import("./support/world.js").Scenario} scenario */
function status(scenario) {
  return world(scenario, NOW).snapshot?.status ?? null;
}
