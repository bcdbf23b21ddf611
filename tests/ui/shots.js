/**
 * Saves pictures of every view for the eye to judge: `npm run shots [name]`, into `target/shots/`.
 *
 * @import { Page } from "playwright-core"
 * @import { Scenario, World } from "./support/world.js"
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { stage } from "./support/browser.js";
import { report as reportOf } from "./support/reports.js";
import { ROOT } from "./support/server.js";
import { VIEWS } from "./support/views.js";

const OUT = join(ROOT, "target", "shots");
/** When the pictures are taken. */
export const NOW = new Date("2025-11-21T14:03:23+01:00").getTime();

/**
 * @typedef {object} Shot
 * @property {string} name
 * @property {Scenario} scenario
 * @property {number[]} [widths]
 * @property {number} [height] taller than usual, to see a page to its end
 * @property {(world: World) => void} [change]
 * @property {(page: Page) => Promise<unknown>} [prepare]
 * @property {(page: Page) => Promise<unknown>} [then]
 */

const open = (/** @type {Page} */ page) => page.locator("article.row").first().click();
const shop = (/** @type {Page} */ page) => page.locator('[data-part="report"]').click();
const report = async (/** @type {Page} */ page) => {
  await shop(page);
  await page.getByRole("radio", { name: "Delivery" }).check({ force: true });
};

/** @param {Page} page */
async function narrow(page) {
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("combobox", { name: "Severity" }).selectOption("high");
  await page.getByRole("combobox", { name: "Store" }).selectOption({ label: "Main Street" });
}

/** @param {World} world @param {Parameters<typeof reportOf>[1]} what */
function retell(world, what) {
  const incidents = (world.snapshot?.feed.items ?? []).filter((item) => item.type === "incident");
  world.report = reportOf(incidents, what, NOW);
}

/** @param {World} world */
function fail({ snapshot }) {
  if (!snapshot) return;
  const sentence = "The test alert reached the server but did not come back within 30 seconds. Check the connection, then test again.";
  snapshot.drill.last = { at: NOW - 5 * 60_000, passed: false, took_ms: null, sentence };
}

/** @param {World} world */
function gap({ snapshot }) {
  const sentence = "Alerts between 12:40 and 13:02 may be missing: the server no longer knows what it sent, and its record could not be read to the end.";
  snapshot?.notices.push({ code: "possible_gap", sentence, closable: false });
}

/** @param {World} world */
function hours(world) {
  if (!world.snapshot) return;
  world.snapshot.settings.opening_hours = ["08:00-12:00, 14:00-18:30", ...Array(3).fill("08:00-20:00"), "18:00-02:00", "08:00-14:00", ""];
  world.snapshot.hours = { open: true, until: Date.now() + 3_600_000 };
}

/** Every state of the page. @type {Shot[]} */
export const SHOTS = [
  { name: "full", scenario: "full" },
  { name: "detail", scenario: "full", then: open },
  {
    name: "keys",
    scenario: "full",
    widths: [360, 1280],
    async then(page) {
      await open(page);
      await page.keyboard.press("?");
      await page.getByRole("dialog").waitFor();
    },
  },
  { name: "quiet", scenario: "quiet", widths: [360, 1280] },
  { name: "empty", scenario: "empty" },
  { name: "offline", scenario: "offline", then: open },
  { name: "deaf", scenario: "deaf" },
  { name: "signed-out", scenario: "signed_out" },
  { name: "catching-up", scenario: "catching_up", widths: [360, 1280] },
  { name: "storm", scenario: "storm", then: open },
  { name: "blur", scenario: "blur", widths: [360, 1280], then: open },
  { name: "sign-in", scenario: "sign_in" },
  {
    name: "sign-in-problem",
    scenario: "sign_in",
    widths: [360, 1280],
    async then(page) {
      await page.evaluate(() => {
        /** @type {any} */ (window).__mock.answers.sign_in = () => {
          throw { code: "wrong_password", sentence: "The e-mail or the password is not right.", field: "password" };
        };
      });
      await page.fill("#server", "http://shop-server:8000");
      await page.fill("#email", "maria.keller@example.com");
      await page.fill("#password", "secret");
      await page.click('[data-part="sign-in-button"]');
    },
  },
  { name: "settings", scenario: "full", then: (page) => page.click('[data-part="settings"]') },
  {
    name: "handover",
    scenario: "full",
    prepare: (page) =>
      page.addInitScript((since) => {
        const handover = { since, incidents: 12, unhandled: 3, decided_elsewhere: 5, reopened_elsewhere: 0, outages: 1, offline_ms: 720_000 };
        Object.assign(window, { __handover: handover });
      }, NOW - 20 * 3_600_000),
    then: (page) => page.locator('[data-part="handover"]').waitFor(),
  },
  { name: "report-shop", scenario: "full", then: shop },
  { name: "report-shop-whole", scenario: "storm", widths: [360, 1280], height: 2_000, then: shop },
  { name: "report-shop-gap", scenario: "full", widths: [360, 1280], change: (world) => retell(world, "gap"), then: shop },
  { name: "report-shop-empty", scenario: "empty", widths: [360, 1280], then: shop },
  { name: "report", scenario: "full", then: report },
  { name: "report-whole", scenario: "full", widths: [360, 1280], height: 2_000, then: report },
  { name: "report-empty", scenario: "empty", widths: [360, 1280], then: report },
  { name: "report-outage", scenario: "offline", widths: [360, 1280], then: report },
  { name: "report-gap", scenario: "full", widths: [360, 1280], change: (world) => retell(world, "gap"), then: report },
  { name: "report-lost", scenario: "full", widths: [360, 1280], change: (world) => retell(world, "lost"), then: report },
  {
    name: "report-range",
    scenario: "full",
    widths: [360, 1280],
    async then(page) {
      await report(page);
      await page.getByRole("radio", { name: "From–to" }).check({ force: true });
    },
  },
  {
    name: "report-failed",
    scenario: "full",
    widths: [360, 1280],
    async then(page) {
      await page.evaluate(() => {
        /** @type {any} */ (window).__mock.answers.report = () => {
          throw { code: "not_read", sentence: "The alerts on this computer cannot be read. Restart VisionGuard.", field: null };
        };
      });
      await report(page);
    },
  },
  { name: "drill-failed", scenario: "full", widths: [360, 1280], change: fail, then: (page) => page.click('[data-part="settings"]') },
  {
    name: "drill-running",
    scenario: "full",
    widths: [360, 1280],
    prepare: (page) => page.addInitScript(() => Object.assign(window, { __slow: 60_000 })),
    async then(page) {
      await page.click('[data-part="settings"]');
      await page.getByRole("button", { name: "Test the alert path" }).click();
    },
  },
  { name: "gap-notice", scenario: "full", widths: [360, 1280], change: gap },
  { name: "filters", scenario: "full", widths: [360, 900, 1280], then: narrow },
  {
    name: "note",
    scenario: "full",
    widths: [360, 900, 1280],
    async then(page) {
      await open(page);
      await page.getByRole("button", { name: "Note", exact: true }).click();
      await page.getByRole("textbox", { name: "Note" }).fill("She came back and paid.");
    },
  },
  { name: "keep-password", scenario: "sign_in", widths: [360, 1280], then: (page) => page.check("#keep-password") },
  {
    name: "undo",
    scenario: "full",
    async then(page) {
      await page.evaluate(() => Object.assign(window, { __undo: 60_000_000_000, __silent: true }));
      await open(page);
      await page.locator('[data-part="resolve"]').click();
      await page.locator('[data-part="undo"]').waitFor();
    },
  },
  {
    name: "outcomes",
    scenario: "full",
    async then(page) {
      await open(page);
      await page.locator('[data-part="resolve-more"]').click();
      await page.locator('[data-part="outcomes"]').waitFor();
    },
  },
  {
    name: "decided",
    scenario: "full",
    change(world) {
      const [detail] = Object.values(world.details);
      const item = world.snapshot?.feed.items[0];
      if (!detail || item?.type !== "incident") return;
      const handling = /** @type {const} */ ({ state: "recorded", decision: "resolved", here: false, at: NOW - 60_000 });
      Object.assign(item, { handling, outcome: "police_called", by: "Ana Moser", unopened: true });
      const { type: _, ...incident } = item;
      const notes = [{ text: "Two men, one with a green bag.", by: "Ana Moser" }, { text: "Camera 2 has them, too", by: null }];
      Object.assign(detail, { incident, notes, note: "Report 4711" });
      const next = world.snapshot?.feed.items[1];
      const acknowledged = /** @type {const} */ ({ state: "recorded", decision: "acknowledged", here: false, at: NOW - 60_000 });
      if (next) Object.assign(next, { handling: acknowledged, by: "Ana Moser" });
    },
    async then(page) {
      await open(page);
      await page.locator('[data-part="note-toggle"]').click();
    },
  },
  {
    name: "selection",
    scenario: "full",
    async then(page) {
      const rows = page.locator("article.row:not([data-kind])");
      await rows.nth(0).click({ modifiers: ["Control"] });
      await rows.nth(2).click({ modifiers: ["Control"] });
      await page.locator('[data-part="selection"]').waitFor();
    },
  },
  {
    name: "evidence",
    scenario: "full",
    async then(page) {
      await open(page);
      await page.locator('[data-part="save-evidence"]').click();
      await page.locator('[data-part="evidence"][data-phase="saved"]').waitFor();
    },
  },
  {
    name: "snooze",
    scenario: "full",
    async then(page) {
      await open(page);
      await page.locator('[data-part="snooze-toggle"]').click();
      await page.locator('[data-minutes="60"]').click();
      await page.locator('[data-part="snoozes"] li').waitFor({ state: "attached" });
      await page.locator('[data-part="snooze-toggle"]').click();
    },
  },
  {
    name: "hours",
    scenario: "full",
    change: hours,
    async then(page) {
      await page.click('.status [data-part="settings"]');
      await page.locator("#hours-2").fill("soon");
      await page.locator("#hours-2").blur();
      await page.locator("#hours-problem-2").waitFor();
      await page.locator("#settings-hours").scrollIntoViewIfNeeded();
      await page.evaluate(() => document.querySelector("#settings-hours")?.scrollIntoView({ block: "start" }));
    },
  },
  {
    name: "cleared",
    scenario: "full",
    widths: [360, 1280],
    async then(page) {
      await page.click('[data-part="clear"]');
      await page.click('[data-filter="cleared"]');
      await page.getByRole("button", { name: "Bring all back" }).waitFor();
    },
  },
  { name: "clear", scenario: "full", widths: [360, 1280], then: (page) => page.click('[data-part="clear"]') },
  { name: "recorded", scenario: "full", widths: [360, 1280], then: (page) => page.locator("article.row").nth(2).click() },
  { name: "refused", scenario: "full", widths: [360, 1280], then: (page) => page.locator("article.row").nth(7).click() },
  { name: "no-picture", scenario: "full", widths: [1280], then: (page) => page.locator("article.row").nth(5).click() },
  { name: "no-match", scenario: "full", widths: [360, 1280], then: (page) => page.fill('[name="search"]', "bakery") },
];

for (const view of VIEWS) SHOTS.push({ ...view, name: `small-${view.name.replace(/\W+/g, "-")}`, widths: [640] });

const SIZES = [
  [360, 740],
  [640, 360],
  [900, 640],
  [1280, 800],
  [2560, 1440],
];

if (process.argv[1] === fileURLToPath(import.meta.url)) await take(process.argv[2]);

/** @param {string} [only] */
async function take(only) {
  await mkdir(OUT, { recursive: true });
  const set = await stage({ scenes: true });
  for (const { name, scenario, widths, then, height: tall, ...how } of SHOTS.filter((shot) => !only || shot.name === only)) {
    for (const [width = 0, height = 0] of SIZES.filter(([width = 0]) => !widths || widths.includes(width))) {
      for (const scheme of /** @type {const} */ (["light", "dark"])) {
        const page = await set.open(scenario, { width, height: tall ?? height, scheme, now: NOW, ...how });
        await then?.(page);
        await page.waitForTimeout(350);
        await page.screenshot({ path: join(OUT, `${name}-${width}-${scheme}.png`) });
      }
    }
  }
  await set.close();
}
