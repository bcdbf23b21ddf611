/**
 * Every view of the page, with the longest words it may have to show: for tests that look at each, and for pictures.
 *
 * @import { Page } from "playwright-core"
 * @import { Scenario, World } from "./world.js"
 */

import { report as reportOf } from "./reports.js";

/** @typedef {{ name: string, scenario: Scenario, change?: (world: World) => void, prepare?: (page: Page) => Promise<unknown>, then?: (page: Page) => Promise<unknown> }} View */

const LONG = "A proxy in front of the server wants a user name and a password of its own (basic authentication), which VisionGuard does not have. Ask who looks after the proxy to let VisionGuard through; trying again every minute.";
const DUNST = "Notifications are shown by dunst 1.9.0. They have no buttons: a click (in dunst, the middle one) opens the incident in the window, where it is acknowledged. dunstctl context acknowledges without the window, and so does visionguard acknowledge.";
const GAP = "Alerts between 12:40 and 13:02 may be missing: the server’s log was lost, and its record does not reach back that far. Look at the cameras’ own recordings of that time.";

const open = (/** @type {Page} */ page) => page.locator("article.row").first().click();
const settings = (/** @type {Page} */ page) => page.locator('.status [data-part="settings"]').click();
const shop = (/** @type {Page} */ page) => page.locator('.status [data-part="report"]').click();
const report = async (/** @type {Page} */ page) => {
  await shop(page);
  await page.getByRole("radio", { name: "Delivery" }).check({ force: true });
};

/** @type {View[]} */
export const VIEWS = [
  { name: "list", scenario: "full" },
  { name: "list, handled", scenario: "quiet" },
  { name: "list, a storm", scenario: "storm" },
  { name: "list, none", scenario: "empty" },
  { name: "list, offline, with remarks", scenario: "offline", change: remarks },
  { name: "list, by the record", scenario: "by_record" },
  { name: "list, late", scenario: "full", change: late },
  { name: "detail, late", scenario: "full", change: late, then: open },
  { name: "list, deaf", scenario: "deaf" },
  { name: "list, signed out", scenario: "signed_out" },
  { name: "list, cleared a moment ago", scenario: "full", then: (page) => page.locator('[data-part="clear"]').click() },
  { name: "list, no match", scenario: "full", then: (page) => page.locator('[name="search"]').fill("bakery") },
  { name: "detail", scenario: "full", then: open },
  { name: "detail, offline, with remarks", scenario: "offline", change: remarks, then: open },
  { name: "detail, blurred", scenario: "blur", then: open },
  { name: "detail, refused", scenario: "full", then: (page) => page.locator("article.row").nth(7).click() },
  { name: "detail, no picture", scenario: "full", then: (page) => page.locator("article.row").nth(5).click() },
  {
    name: "detail, note and long words",
    scenario: "full",
    change(world) {
      const detail = world.details["12"];
      if (detail) Object.assign(detail, { note: "She came back and paid. ".repeat(8), text: "Anomalous behaviour detected. ".repeat(12) });
    },
    async then(page) {
      await open(page);
      await page.getByRole("button", { name: "Note", exact: true }).click();
    },
  },
  {
    name: "list, several chosen",
    scenario: "full",
    async then(page) {
      await page.locator("article.row").first().focus();
      await page.keyboard.press("Shift+ArrowDown");
      await page.locator('[data-part="selection"]').waitFor();
    },
  },
  {
    name: "detail, what came of it",
    scenario: "full",
    async then(page) {
      await open(page);
      await page.getByRole("button", { name: "What came of it" }).click();
    },
  },
  {
    name: "detail, snoozed and saved",
    scenario: "full",
    async then(page) {
      await open(page);
      await page.locator('[data-part="snooze-toggle"]').click();
      await page.locator('[data-minutes="60"]').click();
      await page.locator('[data-part="snoozes"] li').waitFor({ state: "attached" });
      await page.locator('[data-part="save-evidence"]').click();
      await page.locator('[data-part="evidence"][data-phase="saved"]').waitFor({ state: "attached" });
    },
  },
  {
    name: "detail, for how long to snooze",
    scenario: "full",
    async then(page) {
      await open(page);
      await page.locator('[data-part="snooze-toggle"]').click();
    },
  },
  {
    name: "list, snoozed",
    scenario: "full",
    change(world) {
      const snooze = { camera: "4e1637a8", name: "Aisle 3, the one beside the long shelf with the razors", by: "Maria Keller", why: "Shelves are being filled from the big trolley until noon", until: Date.now() + 3_600_000 };
      if (world.snapshot) world.snapshot.snoozes = [snooze, { ...snooze, camera: "5e1637a8", name: "Till 1", by: "", why: null }];
    },
  },
  { name: "sign in", scenario: "sign_in" },
  {
    name: "sign in, with problems",
    scenario: "sign_in",
    async then(page) {
      await page.locator("#server").fill("http://shop-server:8000");
      await page.getByRole("button", { name: "Sign in" }).click();
    },
  },
  { name: "sign in, after being signed out", scenario: "signed_out", change: remarks, then: (page) => page.locator('[data-part="remedy"]').click() },
  { name: "settings", scenario: "full", then: settings },
  { name: "settings, notifications without buttons", scenario: "full", change: withoutButtons, then: settings },
  {
    name: "settings, question",
    scenario: "offline",
    change: remarks,
    async then(page) {
      await settings(page);
      await page.locator('[data-part="sign-out"]').click();
    },
  },
  {
    name: "settings, drill under way",
    scenario: "full",
    prepare: (page) => page.addInitScript(() => Object.assign(window, { __slow: 60_000 })),
    async then(page) {
      await settings(page);
      await page.getByRole("button", { name: "Test the alert path" }).click();
    },
  },
  { name: "report, the shop", scenario: "full", then: shop },
  { name: "report, the shop, nothing", scenario: "empty", then: shop },
  { name: "report", scenario: "full", then: report },
  { name: "report, gaps", scenario: "offline", change: gaps, then: report },
  {
    name: "report, from and to",
    scenario: "full",
    async then(page) {
      await report(page);
      await page.getByRole("radio", { name: "From–to" }).check({ force: true });
    },
  },
  { name: "report, none", scenario: "empty", then: report },
];

/** @param {World} world */
function remarks({ snapshot }) {
  if (!snapshot) return;
  snapshot.status.sentence = LONG;
  snapshot.notices = [
    { code: "gap", sentence: GAP, closable: false },
    { code: "settings_bad", sentence: "2 settings in /home/maria/.local/share/visionguard/settings.toml need a look. The first: line 4, server, this is not an address.", closable: false },
    { code: "no_notifications", sentence: "Notifications cannot be shown on this computer: no program for them is installed.", closable: false },
  ];
}

/** One that was detected nine minutes before it came. @param {World} world */
function late({ snapshot, details }) {
  const [item] = snapshot?.feed.items ?? [];
  if (item?.type !== "incident") return;
  const by = 9 * 60_000 + 12_000;
  item.late = { from: item.first_at - by, to: item.last_at - by, sentence: "Came late, 9 min 12 s." };
  const detail = details[item.id];
  if (!detail) return;
  detail.incident.late = item.late;
  for (const alert of detail.alerts) alert.detected_at = alert.detected_here = (alert.detected_at ?? 0) - by;
}

/** Notifications without buttons. @param {World} world */
export function withoutButtons({ snapshot }) {
  if (snapshot) snapshot.popups = { buttons: false, sentence: DUNST };
}

/** @param {World} world */
function gaps(world) {
  const incidents = (world.snapshot?.feed.items ?? []).filter((item) => item.type === "incident");
  world.report = reportOf(incidents, "gap", world.snapshot?.now ?? 0);
}
