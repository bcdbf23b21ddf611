import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Channel, decide, drill, feed, report, signIn, subscribe } from "../../ui/core.js";
import { EVERYTHING } from "../../ui/listing.js";

test("messages that overtake one another are handed on in order", () => {
  const { send, heard } = channel();

  send({ index: 2, message: "c" });
  send({ index: 0, message: "a" });
  send({ index: 1, message: "b" });
  send({ index: 3, message: "d" });

  assert.deepEqual(heard, ["a", "b", "c", "d"]);
});

test("every order of five messages comes out right", () => {
  for (const order of permutations([0, 1, 2, 3, 4])) {
    const { send, heard } = channel();

    for (const index of order) send({ index, message: String(index) });

    assert.deepEqual(heard, ["0", "1", "2", "3", "4"], `sent as ${order}`);
  }
});

test("a message that comes twice is handed on once", () => {
  const { send, heard } = channel();

  for (const index of [0, 0, 1, 0, 1, 2]) send({ index, message: String(index) });

  assert.deepEqual(heard, ["0", "1", "2"]);
});

test("a message that stays missing is reported once, and nothing after it is taken for the truth", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { send, heard, lost } = channel();

  send({ index: 0, message: "a" });
  send({ index: 2, message: "c" });
  mock.timers.tick(10_000);
  send({ index: 3, message: "d" });
  mock.timers.tick(10_000);

  assert.deepEqual(heard, ["a"]);
  assert.equal(lost.count, 1);
  mock.timers.reset();
});

test("a late message is not a lost one", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { send, heard, lost } = channel();

  send({ index: 1, message: "b" });
  mock.timers.tick(1_000);
  send({ index: 0, message: "a" });
  mock.timers.tick(10_000);

  assert.deepEqual(heard, ["a", "b"]);
  assert.equal(lost.count, 0);
  mock.timers.reset();
});

test("the end of a channel is no message", () => {
  const { send, heard } = channel();

  send({ index: 0, message: "a" });
  send({ index: 1, end: true });

  assert.deepEqual(heard, ["a"]);
});

test("a channel is written the way the program reads it", () => {
  const { channel: made } = channel();

  assert.equal(JSON.stringify({ channel: made }), '{"channel":"__CHANNEL__:7"}');
});

test("events that overtake the snapshot wait for it", async () => {
  /** @type {(raw: any) => void} */
  let send = () => {};
  const heard = /** @type {any[]} */ ([]);
  install({
    transformCallback: (/** @type {any} */ callback) => ((send = callback), 7),
    async invoke() {
      send({ index: 0, message: "early" });
      return { version: "1" };
    },
  });

  const { start } = await subscribe((event) => heard.push(event), () => {});
  assert.deepEqual(heard, []);
  start();
  send({ index: 1, message: "later" });

  assert.deepEqual(heard, ["early", "later"]);
});

test("whatever a command fails with becomes a problem with a sentence", async () => {
  const mine = { code: "unreachable", sentence: "The server cannot be reached.", field: "server" };
  const failures = [mine, "command feed not found", null, undefined, new TypeError("no"), { message: "half" }];

  for (const failure of failures) {
    install({ invoke: () => Promise.reject(failure) });

    await assert.rejects(feed({ ...EVERYTHING, before: null, after: null, at: null }), (/** @type {any} */ problem) => {
      assert.equal(problem.code, failure === mine ? "unreachable" : "internal");
      assert.ok(problem.sentence.length > 10);
      return true;
    });
  }
});

test("commands carry the names that the program knows", async () => {
  const sent = /** @type {any[]} */ ([]);
  install({ invoke: async (/** @type {string} */ command, /** @type {any} */ values) => void sent.push([command, values]) });

  await signIn({ server: "https://a.example", email: "m@a.example", password: "p", keepPassword: true });
  await decide("12", "resolved", "She paid");
  await report({ from: 1, to: 2 });
  await drill();

  assert.deepEqual(sent, [
    ["sign_in", { server: "https://a.example", email: "m@a.example", password: "p", keepPassword: true }],
    ["decide", { incident: "12", decision: "resolved", note: "She paid" }],
    ["report", { query: { from: 1, to: 2 } }],
    ["drill", {}],
  ]);
});

function channel() {
  const heard = /** @type {any[]} */ ([]);
  const lost = { count: 0 };
  /** @type {(raw: any) => void} */
  let send = () => {};
  const made = new Channel(
    { transformCallback: (callback) => ((send = callback), 7) },
    (message) => heard.push(message),
    () => (lost.count += 1),
  );
  return { channel: made, send: (/** @type {any} */ raw) => send(raw), heard, lost };
}

/** @param {any} tauri */
function install(tauri) {
  /** @type {any} */ (globalThis).window = { __TAURI_INTERNALS__: tauri };
}

/**
 * @param {number[]} items
 * @returns {number[][]}
 */
function permutations(items) {
  if (items.length < 2) return [items];
  return items.flatMap((item, at) => permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}
