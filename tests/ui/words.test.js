import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import words from "../../ui/locales/en.json" with { type: "json" };
import { count, t } from "../../ui/words.js";
import { ROOT } from "./support/server.js";

const UI = join(ROOT, "ui");

test("every word that the page uses exists, and every one that exists is used", async () => {
  const used = new Set();
  for (const source of await sources()) {
    for (const [, call, key = ""] of source.matchAll(/(count\(\s*)?"(page\.[a-z_.]+[a-z_])"/g)) {
      if (call) used.add(`${key}.one`).add(`${key}.other`);
      else used.add(key);
    }
  }
  const known = Object.keys(words).filter((key) => key.startsWith("page."));

  assert.deepEqual([...used].filter((key) => !known.includes(key)), [], "used but unknown");
  assert.deepEqual(known.filter((key) => !used.has(key)), [], "known but unused");
});

test("no sentence shouts, and none is empty", () => {
  for (const [key, sentence] of Object.entries(words).filter(([key]) => key.startsWith("page."))) {
    assert.ok(sentence.trim() !== "" && !sentence.includes("!"), key);
  }
});

test("a value is filled in as it is and never read for placeholders again", () => {
  assert.equal(t("page.feed.no_match", { search: "{search} $& <b>" }), "Nothing matches “{search} $& <b>”.");
  assert.equal(t("page.status.since", {}), "Since {moment}");
  assert.equal(t("page.status.since", { moment: "{constructor}" }), "Since {constructor}");
});

test("a count agrees with its noun", () => {
  assert.equal(count("page.row.pictures", 1), "1 picture");
  assert.equal(count("page.row.pictures", 0), "0 pictures");
  assert.equal(count("page.row.pictures", 1_200), "1,200 pictures");
});

test("a key that does not exist is an error, not an empty page", () => {
  assert.throws(() => t("page.made.up"), /no words/);
});

/** @returns {Promise<string[]>} */
async function sources() {
  const files = await readdir(UI, { recursive: true });
  return Promise.all(
    files.filter((name) => /\.(js|html)$/.test(name)).map((name) => readFile(join(UI, name), "utf8")),
  );
}
