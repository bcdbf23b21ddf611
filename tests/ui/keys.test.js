import assert from "node:assert/strict";
import { test } from "node:test";

import { Letters, Scanner } from "../../ui/keys.js";

test("a person's Enter on a button is a press", () => {
  const scanner = new Scanner();

  type(scanner, ["Tab", "Tab", "Enter"], 300);

  assert.equal(scanner.isStray(600), false);
});

test("a scan outside of a field makes its Enter stray, however slow the scanner", () => {
  for (const pace of [1, 5, 20, 50, 90]) {
    const scanner = new Scanner();

    const end = type(scanner, [..."4006381333931", "Enter"], pace);

    assert.equal(scanner.isStray(end), true, `${pace} ms a key`);
  }
});

test("a scan into a field is a burst, a person's typing is not", () => {
  const scan = new Scanner();
  const person = new Scanner();

  const scanned = type(scan, [..."4006381333931", "Enter"], 8, true);
  const typed = type(person, [..."secret", "Enter"], 110, true);

  assert.equal(scan.isTyping(scanned), true);
  assert.equal(person.isTyping(typed), false);
  assert.equal(person.isStray(typed), false);
});

test("what fills in one field after the other is a password manager, and a scan ends in one", () => {
  const type = (/** @type {string[]} */ keys, pace = 25) => {
    const scanner = new Scanner();
    keys.forEach((key, at) => scanner.saw({ key, timeStamp: 5_000 + at * pace, repeat: false, field: true }));
    // The computer comes to it late.
    return scanner.isScan(90_000) && !scanner.fillsIn;
  };

  assert.equal(type([..."maria@shop", "Tab", ..."secret word", "Enter"]), false);
  assert.equal(type([..."maria@shop", "Tab", ..."secret word", "Enter"], 10), false);
  assert.equal(type([..."4006381333931", "Enter"]), true);
  assert.equal(type(["Tab", ..."4006381333931", "Enter"]), true, "the person's own Tab came before it");
  assert.equal(type([..."secret word", "Enter"], 90), false);
});

test("an Enter that is not down any more sent nothing that is sent later", () => {
  const scanner = new Scanner();
  type(scanner, [..."4006381333931", "Enter"], 10);

  scanner.released();

  assert.equal(scanner.isScan(90_000), false);
});

test("a burst is known after it has ended, until the next key", () => {
  const scanner = new Scanner();

  const end = type(scanner, [..."4006381333931", "Enter"], 8, true);
  const burst = scanner.isBurst;
  scanner.saw({ key: "0", timeStamp: end + 5_000, repeat: false, field: true });

  assert.equal(burst, true);
  assert.equal(scanner.isBurst, false);
});

test("a key held down presses once", () => {
  const scanner = new Scanner();
  scanner.saw({ key: "Enter", timeStamp: 1_000, repeat: false, field: false });
  assert.equal(scanner.isStray(1_000), false);

  scanner.saw({ key: "Enter", timeStamp: 1_500, repeat: true, field: false });

  assert.equal(scanner.isStray(1_500), true);
});

test("a stray key is forgotten after a second", () => {
  const scanner = new Scanner();

  const end = type(scanner, ["x"], 10);

  assert.equal(scanner.isStray(end + 900), true);
  assert.equal(scanner.isStray(end + 1_100), false);
});

/**
 * @param {Scanner} scanner
 * @param {string[]} keys
 * @param {number} pace
 */
function type(scanner, keys, pace, field = false) {
  keys.forEach((key, at) => scanner.saw({ key, timeStamp: at * pace, repeat: false, field }));
  return (keys.length - 1) * pace;
}

test("a letter after one that did nothing belongs to a word, until there is a pause", () => {
  const letters = new Letters();

  // Of "/front" the slash was overtaken, so that nothing had the focus.
  const word = [0, 110, 240, 400, 560, 700].map((at) => letters.down(at));
  const later = letters.down(1_701);

  assert.ok(word[0]);
  assert.deepEqual(word.slice(1), [null, null, null, null, null]);
  assert.ok(later);
});

test("letters that do something follow one another as fast as a person likes", () => {
  const letters = new Letters();

  for (const at of [0, 300, 500, 700]) {
    const acted = letters.down(at);
    assert.ok(acted, `at ${at}`);
    acted();
  }
});
