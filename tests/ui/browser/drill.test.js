/** The test of the alert path in a real browser. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { asked, emit, stage } from "../support/browser.js";

/** @type {import("../support/browser.js").Stage} */
let set;
before(async () => void (set = await stage()));
after(() => set?.close());

test("a test is asked for once, runs, and says when it passed and how long it took", async () => {
  const page = await settings({ slow: 700 });
  const button = page.getByRole("button", { name: "Test the alert path" });

  await button.click();
  const busy = page.getByRole("button", { name: "Testing…" });
  await busy.waitFor();
  await busy.click({ force: true });
  const bar = await page.locator('[data-part="drilled"]').innerText();
  await page.getByText(/^Passed \d\d:\d\d, in 0\.6 s$/).waitFor();

  assert.match(bar, /Drill under way/);
  assert.equal((await asked(page, "drill")).length, 1);
  assert.match(await page.locator('[data-part="drilled"]').innerText(), /Drill \d\d:\d\d passed/);
  assert.equal(await page.locator('[data-part="say"]').innerText(), "The test of the alert path passed. The test alert came back and was shown.");
  assert.equal(await button.getAttribute("aria-disabled"), null);
});

test("a test that failed says what to do, with a sign of its own", async () => {
  const last = { at: Date.now(), passed: false, took_ms: null, sentence: "The test alert did not come back. Check the connection, then test again." };
  const page = await settings({ drill: last });

  await page.getByRole("button", { name: "Test the alert path" }).click();
  await page.getByText(/^Failed \d\d:\d\d$/).waitFor();

  const box = page.locator('.settings [data-drill="failed"]');
  assert.match(await box.innerText(), /Check the connection, then test again\./);
  assert.match((await box.locator("use").getAttribute("href")) ?? "", /#refused$/);
  assert.match(await page.locator('[data-part="drilled"]').innerText(), /failed/);
});

test("a test that could not be made says why, and leaves the last one on record", async () => {
  const page = await settings({});
  await page.evaluate(() => {
    /** @type {any} */ (window).__mock.answers.drill = () => {
      throw { code: "offline", sentence: "There is no connection. Test again when there is one.", field: null };
    };
  });

  await page.getByRole("button", { name: "Test the alert path" }).click();
  await page.getByText("The test could not be made").waitFor();

  await page.getByText("There is no connection. Test again when there is one.").first().waitFor();
  assert.match(await page.locator('[data-part="drilled"]').innerText(), /passed/);
});

test("a test that the program made by itself is shown and said", async () => {
  const page = await set.open("full");
  const last = { at: Date.now(), passed: false, took_ms: null, sentence: "No popup was shown. Look whether notifications are on." };

  await emit(page, { type: "drill", drill: { running: true, last: null } });
  await emit(page, { type: "drill", drill: { running: false, last } });

  await page.getByText(/Drill \d\d:\d\d failed/).waitFor();
  assert.equal(await page.locator('[data-part="say"]').innerText(), "The test of the alert path failed. No popup was shown. Look whether notifications are on.");
});

test("before the first test nothing is claimed", async () => {
  const page = await set.open("empty");
  await page.locator('[data-part="settings"]').click();

  await page.getByText("Not tested yet").waitFor();

  assert.equal(await page.locator('[data-part="drilled"]').innerText(), "");
});

test("the report has the same test, and counts it", async () => {
  const page = await set.open("full");
  await page.locator('[data-part="report"]').click();
  await page.getByRole("radio", { name: "Delivery" }).check({ force: true });

  await page.getByRole("button", { name: "Test the alert path" }).click();
  await page.locator(".report").getByText(/^Passed \d\d:\d\d, in 0\.6 s$/).waitFor();

  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("report").length === 2, null, { timeout: 30_000 });
});

/** @param {{ slow?: number, drill?: unknown }} how */
async function settings({ slow = 50, drill = null }) {
  const how = { __slow: slow, ...(drill === null ? {} : { __drill: drill }) };
  const page = await set.open("full", { prepare: (page) => page.addInitScript((how) => Object.assign(window, how), how) });
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  return page;
}
