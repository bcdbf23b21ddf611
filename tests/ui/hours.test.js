/** Opening hours as people type them, and in words. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { USUAL, WEEKDAYS, readSpans, standingHours } from "../../ui/hours.js";

test("hours are read as people type them", () => {
  for (const [typed, read] of /** @type {const} */ ([
    ["8-20", "08:00-20:00"],
    ["8:00 – 12:00, 14.30-18h00", "08:00-12:00, 14:30-18:00"],
    ["08:00-12:00; 14-18", "08:00-12:00, 14:00-18:00"],
    ["18-2", "18:00-02:00"],
    ["0-24", "00:00-24:00"],
    ["", ""],
    ["  closed ", ""],
  ])) {
    assert.equal(readSpans(typed), read, typed);
  }
});

test("what is no hours is not guessed at", () => {
  for (const typed of ["8", "8-", "-8", "8-8", "24-8", "8-25", "8-24:30", "8:60-9", "morning", "8-12-14", "8-12,", "400638133393", "1-2,".repeat(9) + "3-4"]) {
    assert.equal(readSpans(typed), null, typed);
  }
});

test("a week begins on Monday, and what is filled in can be read", () => {
  assert.deepEqual([WEEKDAYS[0], WEEKDAYS[6], WEEKDAYS.length], ["Monday", "Sunday", 7]);
  assert.deepEqual(USUAL.map((spans) => readSpans(spans)), USUAL);
});

test("whether the shop is open is said with its end", () => {
  const now = new Date(2026, 5, 1, 12).getTime();
  const at = (/** @type {number} */ day, /** @type {number} */ hour) => new Date(2026, 5, day, hour).getTime();

  assert.equal(standingHours(null, now), "");
  assert.equal(standingHours({ open: true, until: at(1, 20) }, now), "Open now, until 20:00.");
  assert.equal(standingHours({ open: false, until: at(2, 8) }, now), "Closed now, until Tuesday 08:00.");
  assert.equal(standingHours({ open: true, until: null }, now), "Open now, and never closed.");
  assert.equal(standingHours({ open: false, until: null }, now), "Closed now, and never open.");
});
