/** What somebody is told who comes back, in a real browser. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { asked, stage, violations } from "../support/browser.js";

const NOW = new Date("2025-11-21T14:03:23+01:00").getTime();
const MEANWHILE = { since: NOW - 20 * 3_600_000, incidents: 12, unhandled: 3, decided_elsewhere: 1, reopened_elsewhere: 0, outages: 2, offline_ms: 720_000 };

/** @type {import("../support/browser.js").Stage} */
let set;
before(async () => void (set = await stage()));
after(() => set?.close());

test("who comes back reads what happened, and one press shows what is not handled", async () => {
  const page = await open(MEANWHILE);
  const told = page.getByRole("region", { name: "Since you last looked" });

  const words = await told.locator("p").innerText();
  await told.getByRole("button", { name: "Show what is not handled" }).click();
  await told.waitFor({ state: "hidden" });

  assert.equal(
    words,
    "Since you last looked, yesterday 18:03: 12 new alerts · 3 not handled · 1 decided by somebody else · no connection 2 times, 12 min altogether",
  );
  assert.equal(await page.locator('[data-filter="unhandled"]').getAttribute("aria-pressed"), "true");
  assert.equal((await asked(page, "handover")).length, 1);
  assert.deepEqual(await violations(page), []);
});

test("it is closed by keyboard without losing the place, and takes no focus by itself", async () => {
  const page = await open({ ...MEANWHILE, unhandled: 0 });
  const told = page.locator('[data-part="handover"]');
  const before = await page.evaluate(() => document.activeElement === document.body);

  assert.equal(await told.getByRole("button", { name: "Show what is not handled" }).isVisible(), false);
  await told.getByRole("button", { name: "Close" }).press("Enter");
  await told.waitFor({ state: "hidden" });
  await page.waitForFunction(() => document.activeElement !== document.body);

  assert.equal(before, true);
});

test("nothing is said where nothing happened, nor to nobody", async () => {
  const page = await open(null);
  await page.locator("article.row").first().waitFor();
  assert.equal(await page.locator('[data-part="handover"]').isVisible(), false);

  const signedOut = await set.open("sign_in");
  await signedOut.locator('input[name="server"]').waitFor();

  assert.equal((await asked(signedOut, "handover")).length, 0);
});

/** @param {typeof MEANWHILE | null} handover */
async function open(handover) {
  const page = await set.open("full", {
    now: NOW,
    prepare: (page) => page.addInitScript((handover) => Object.assign(window, { __handover: handover }), handover),
  });
  if (handover !== null) await page.locator('[data-part="handover"]').waitFor();
  return page;
}
