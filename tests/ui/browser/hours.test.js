/** The opening hours among the settings, in a real browser. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { asked, emit, stage } from "../support/browser.js";

/** @type {import("../support/browser.js").Stage} */
let set;
before(async () => void (set = await stage()));
after(() => set?.close());

const USUAL = [...Array(6).fill("08:00-20:00"), ""];

test("nothing is known of the hours until somebody says so, and the switch fills in a usual week", async () => {
  const page = await settings();
  const monday = page.getByRole("textbox", { name: "Monday" });
  const hidden = await monday.isVisible();

  await chosen(page).click();
  await monday.waitFor();
  const filled = await monday.inputValue();
  await chosen(page).click();
  await monday.waitFor({ state: "hidden" });

  assert.deepEqual([hidden, filled], [false, "08:00-20:00"]);
  assert.deepEqual(await sent(page), [USUAL, null]);
});

test("a week is filled in with the keyboard alone, as people write hours", async () => {
  const page = await settings();
  await chosen(page).focus();
  await page.keyboard.press("Space");
  await page.getByRole("textbox", { name: "Monday" }).waitFor();

  await page.keyboard.press("Tab");
  await page.waitForFunction(() => document.activeElement?.id === "hours-0");
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("9-12, 14.30-18", { delay: 60 });
  await page.keyboard.press("Tab");
  await page.waitForFunction(() => document.activeElement?.id === "hours-1");
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("change_settings").length === 2);

  assert.deepEqual((await sent(page)).at(-1), ["09:00-12:00, 14:30-18:00", ...USUAL.slice(1)]);
  assert.equal(await page.locator("#hours-0").inputValue(), "09:00-12:00, 14:30-18:00");
});

test("what cannot be read is said at its day, is kept to be mended, and is not sent", async () => {
  const page = await settings(USUAL);
  const tuesday = page.getByRole("textbox", { name: "Tuesday" });

  await tuesday.fill("eight to ten");
  await tuesday.blur();
  await page.getByText("Write it as 8-12, 14-18:30, or leave it empty.").waitFor();
  const [value, invalid] = [await tuesday.inputValue(), await tuesday.getAttribute("aria-invalid")];
  await emit(page, { type: "hours", hours: { open: true, until: null } });
  const kept = await tuesday.inputValue();
  await tuesday.fill("");
  await tuesday.blur();
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("change_settings").length === 1);

  assert.deepEqual([value, invalid, kept], ["eight to ten", "true", "eight to ten"]);
  assert.equal(await tuesday.getAttribute("aria-invalid"), null);
  assert.deepEqual((await sent(page))[0], ["08:00-20:00", "", ...USUAL.slice(2)]);
});

test("Monday's hours are taken for the working days", async () => {
  const page = await settings(["7-19", "", "", "", "", "10:00-14:00", ""].map((day) => (day === "7-19" ? "07:00-19:00" : day)));

  await page.getByRole("button", { name: "Same from Monday to Friday" }).click();
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("change_settings").length === 1);

  assert.deepEqual((await sent(page))[0], [...Array(5).fill("07:00-19:00"), "10:00-14:00", ""]);
});

test("a scanner's code in a day's field changes nothing", async () => {
  const page = await settings(USUAL);
  await page.getByRole("textbox", { name: "Monday" }).focus();

  await page.keyboard.type("400638133393\n");
  await page.waitForFunction(() => /** @type {HTMLInputElement} */ (document.querySelector("#hours-0")).value === "08:00-20:00");

  assert.deepEqual(await sent(page), []);
});

test("whether the shop is open now is said beside the switch", async () => {
  const page = await settings(USUAL);

  await emit(page, { type: "hours", hours: { open: false, until: null } });
  await page.getByText("Closed now, and never open.").waitFor();
  await emit(page, { type: "hours", hours: { open: true, until: null } });

  await page.getByText("Open now, and never closed.").waitFor();
});

test("every day can be filled in on a window of 360 pixels", async () => {
  const page = await settings(USUAL, 360);

  for (const day of ["Monday", "Sunday"]) {
    const field = page.getByRole("textbox", { name: day });
    await field.scrollIntoViewIfNeeded();
    const box = await field.boundingBox();
    assert.ok(box && box.x >= 0 && box.x + box.width <= 360 && box.width >= 200 && box.height >= 40, JSON.stringify(box));
  }
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 360));
});

/** @param {string[] | null} [hours] @param {number} [width] */
async function settings(hours = null, width = 1280) {
  const page = await set.open("full", {
    width,
    change: (world) => {
      if (world.snapshot) world.snapshot.settings.opening_hours = hours;
    },
  });
  await page.locator('.status [data-part="settings"]').click();
  await page.getByRole("heading", { name: "Opening hours" }).waitFor();
  return page;
}

/** @param {import("playwright-core").Page} page */
const chosen = (page) => page.getByRole("switch", { name: "Alert louder while the shop is closed" });

/** @param {import("playwright-core").Page} page */
const sent = async (page) => (await asked(page, "change_settings")).map(({ settings }) => settings.opening_hours);
