import assert from "node:assert/strict";
import { test } from "node:test";

import { ago, day, delay, duration, later, left, midnight, moment, plain, time, took } from "../../ui/format.js";
import { isInsecure } from "../../ui/views/sign-in.js";
import { inside } from "../../ui/views/stage.js";

const NOW = new Date(2025, 10, 21, 14, 3, 23).getTime();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test("a duration is as long as it needs to be", () => {
  const said = [0, 999, 38_000, 4 * MINUTE, HOUR, 72 * MINUTE, 47 * HOUR, 49 * HOUR].map(duration);

  assert.deepEqual(said, ["0 s", "0 s", "38 s", "4 min", "1 h", "1 h 12 min", "47 h", "2 days"]);
});

test("a short delay has tenths, a long one does not", () => {
  assert.deepEqual([0, 600, 9_940, 12_300, 4 * MINUTE].map(delay), ["0 s", "0.6 s", "9.9 s", "12 s", "4 min"]);
});

test("what took a moment did not take nothing", () => {
  assert.deepEqual([0, 12, 49, 50, 640, -3].map(took), ["under 0.1 s", "under 0.1 s", "under 0.1 s", "0.1 s", "0.6 s", "under 0.1 s"]);
});

test("what comes after a moment is never said to come before it", () => {
  assert.deepEqual([600, 51_000, -300].map(later), ["+0.6 s", "+51 s", "+0 s"]);
});

test("an age is never negative, even when clocks disagree", () => {
  assert.equal(ago(NOW + 5_000, NOW), "just now");
  assert.equal(ago(NOW - 4_000, NOW), "4 s ago");
  assert.equal(left(NOW - 4_000, NOW), "0 s");
  assert.equal(left(NOW + 11_200, NOW), "12 s");
});

test("a moment is named by its day", () => {
  assert.equal(moment(NOW - HOUR, NOW), "13:03");
  assert.equal(moment(NOW - 15 * HOUR, NOW), "yesterday 23:03");
  assert.equal(moment(NOW - 48 * HOUR, NOW), "19 Nov, 14:03");
  assert.equal(day(NOW, NOW), "Today");
  assert.equal(day(NOW - 24 * HOUR, NOW), "Yesterday");
  assert.equal(day(NOW - 48 * HOUR, NOW), "Wednesday 19 November");
});

test("yesterday is the day before, also when it had 23 or 25 hours", () => {
  const spring = new Date(2025, 2, 31, 0, 30).getTime();

  assert.equal(day(spring - 23 * HOUR, spring), "Yesterday");
  assert.equal(midnight(spring), new Date(2025, 2, 31).getTime());
});

test("text from elsewhere becomes one harmless line", () => {
  assert.equal(plain("Aisle\r\n3\u0000\u001b[31m"), "Aisle 3 [31m");
  assert.equal(plain("gpj.\u202Eexe"), "gpj.exe");
  assert.equal(plain("a\u200bb\ufeffc"), "abc");
  assert.equal(plain("<img src=x onerror=alert(1)>"), "<img src=x onerror=alert(1)>");
  assert.equal(plain("{{7*7}} {camera}"), "{{7*7}} {camera}");
});

test("text is cut between characters, not within", () => {
  assert.equal(plain("👩‍🚒".repeat(3), 4).endsWith("…"), true);
  assert.equal(plain("😀😀😀", 2), "😀…");
  assert.equal(plain("\ud83d"), "", "half a character is none");
  assert.equal(Array.from(plain("x".repeat(100_000), 200)).length, 200);
});

test("a thousand combining marks take no more room than a few", () => {
  const heap = `Z${"\u0300".repeat(1_000)}!`;

  assert.ok(plain(heap, 2_000).length <= 5);
});

test("an address is insecure when others are on the way", () => {
  const insecure = ["http://shop-server:8000", "HTTP://10.0.0.4", " http://example.com", "ws://example.com", "http://localhost.example.com"];
  const fine = ["https://example.com", "http://localhost:8000", "http://127.0.0.1", "http://[::1]:8000", "example.com", ""];

  assert.deepEqual(insecure.filter((address) => !isInsecure(address)), []);
  assert.deepEqual(fine.filter(isInsecure), []);
});

test("a box outside its picture is cut off, one made of nonsense is empty", () => {
  assert.deepEqual(inside([320, 180, 320, 180], 1280, 720), [25, 25, 25, 25]);
  assert.deepEqual(inside([-100, -100, 1380, 820], 1280, 720), [0, 0, 100, 100]);
  assert.deepEqual(inside([1200, 0, 400, 720], 1280, 720), [93.75, 0, 6.25, 100]);
  assert.deepEqual(inside([NaN, 0, 5, 5], 1280, 720).every(Number.isFinite), true);
});

test("a time is told by its days and hours", () => {
  const at = (/** @type {number} */ day, hour = 0) => new Date(2026, 10, day, hour).getTime();
  const now = at(30, 15);

  assert.equal(time(at(28), at(29), now), "Saturday 28 November");
  assert.equal(time(at(28, 14), at(28, 15), now), "Saturday 28 November, 14:00 to 15:00");
  assert.equal(time(at(28, 23), at(29), now), "Saturday 28 November, 23:00 to 00:00");
  assert.equal(time(at(1), at(31), now), "1 November 2026 to 30 November 2026");
  assert.equal(time(at(28), at(29), new Date(2027, 1, 1).getTime()), "Saturday 28 November 2026");
});
