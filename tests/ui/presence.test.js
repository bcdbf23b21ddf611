import assert from "node:assert/strict";
import { test } from "node:test";

import { Presence } from "../../ui/presence.js";

const MINUTE = 60_000;

test("who does something for the first time, or after an hour, comes; in between it is told now and then that they stay", () => {
  const told = /** @type {string[]} */ ([]);
  const presence = new Presence(() => void told.push("came"), () => void told.push("stays"));

  for (const minute of [0, 1, 2, 5, 6, 59, 118, 178]) presence.active(minute * MINUTE);

  assert.deepEqual(told, ["came", "stays", "stays", "stays", "came"]);
});

test("another person at the same page comes, too", () => {
  const told = /** @type {string[]} */ ([]);
  const presence = new Presence(() => void told.push("came"), () => void told.push("stays"));

  presence.active(0);
  presence.forget();
  presence.active(1);

  assert.deepEqual(told, ["came", "came"]);
});
