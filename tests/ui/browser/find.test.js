/** Finding an alert again: what narrows the list, and a list of any length, in a real browser. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { asked, emit, stage } from "../support/browser.js";
import { alert, incident, NO_PAGE } from "../support/world.js";

/** @import { Page } from "playwright-core" */

const COUNTS = { unhandled: 3, unseen: 3, total: 11, cleared: 0, today: 8 };
/** Rows of the long list. */
const MANY = 200_000;
const MINUTE = 60_000;
/** When its newest began. */
const NEWEST = new Date("2025-11-21T14:00:00+01:00").getTime();

/** @type {import("../support/browser.js").Stage} */
let set;
before(async () => void (set = await stage()));
after(() => set?.close());

test("one button opens the filters, and each that is set can be taken back", async () => {
  const page = await set.open("full");
  const button = page.getByRole("button", { name: "Filter" });
  const shows = (/** @type {number} */ rows) => page.waitForFunction((rows) => document.querySelectorAll("article.row").length === rows, rows);

  assert.equal(await page.getByRole("combobox").count(), 0, "quiet until somebody asks");
  await button.click();
  assert.equal(await button.getAttribute("aria-expanded"), "true");
  await page.getByRole("combobox", { name: "Severity" }).selectOption({ label: "High" });
  await shows(3);
  await page.getByRole("combobox", { name: "Store" }).selectOption({ label: "Main Street" });
  await page.getByRole("combobox", { name: "Kind" }).selectOption({ label: "Person after hours" });
  await shows(1);
  const chips = await page.locator(".chip-set").allInnerTexts();
  await page.getByRole("button", { name: "Remove: Person after hours" }).click();
  await page.getByRole("button", { name: "Remove: Main Street" }).click();
  await shows(3);
  const focused = await page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
  await page.getByRole("button", { name: "Remove: High" }).click();
  await shows(11);

  assert.deepEqual(chips, ["Main Street", "Person after hours", "High"]);
  assert.equal(focused, "Remove: High", "the focus stays among them");
  const queries = (await asked(page, "feed")).map(({ query }) => [query.severity, query.shop, query.kind]);
  assert.deepEqual(queries, [["high", null, null], ["high", "s1", null], ["high", "s1", "intrusion"], ["high", "s1", null], ["high", null, null], [null, null, null]]);
});

test("clear all leaves the search, and what is not handled stays counted whatever is filtered", async () => {
  const page = await set.open("full");
  const unhandled = page.locator('[data-part="unhandled"]');
  const before = await unhandled.innerText();
  await page.getByRole("searchbox").fill("aisle");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("combobox", { name: "Decision" }).selectOption({ label: "False alarm" });
  await page.getByRole("combobox", { name: "Decided by" }).selectOption({ label: "You" });
  await page.waitForFunction(() => document.querySelectorAll("article.row").length === 1);

  assert.equal(await unhandled.innerText(), before);
  assert.equal(await page.locator("article.row").getAttribute("data-key"), "20");
  await page.getByRole("button", { name: "Clear all" }).click();
  await page.waitForFunction(() => document.querySelectorAll("article.row").length === 4);

  const { query } = (await asked(page, "feed")).at(-1);
  assert.deepEqual([query.search, query.decision, query.who], ["aisle", null, null]);
});

test("what was typed is looked for, however soon somebody goes on to something else", async () => {
  const page = await set.open("full");
  await page.evaluate(() => {
    const field = /** @type {HTMLInputElement} */ (document.querySelector('[name="search"]'));
    field.focus();
    field.value = "aisle";
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    /** @type {HTMLElement} */ (document.querySelector('[data-part="filter-button"]')).focus();
    /** @type {any} */ (window).__mock.emit({ type: "beat" });
  });
  await page.waitForFunction(() => document.querySelectorAll("article.row").length === 4);

  assert.equal(await page.getByRole("searchbox").inputValue(), "aisle");
});

test("a decision is asked for among all, and what nobody decided on in its own list", async () => {
  const page = await set.open("full");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("combobox", { name: "Decision" }).selectOption({ label: "Not handled" });
  await page.waitForFunction(() => document.querySelectorAll("article.row").length === 3);
  const pressed = await page.getByRole("button", { name: /^Not handled/ }).getAttribute("aria-pressed");
  await page.getByRole("combobox", { name: "Decision" }).selectOption({ label: "Resolved" });
  await page.waitForFunction(() => document.querySelectorAll("article.row").length === 1);

  assert.equal(pressed, "true");
  assert.equal(await page.getByRole("button", { name: /^All/ }).getAttribute("aria-pressed"), "true");
});

test("a store is offered where there are several, and stays chosen when it has no alert left", async () => {
  const one = await set.open("full", { change: ({ snapshot }) => void (snapshot && snapshot.feed.shops.pop()) });
  await one.getByRole("button", { name: "Filter" }).click();
  const offered = await one.getByRole("combobox", { name: "Store" }).isVisible();
  const page = await set.open("full");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("combobox", { name: "Store" }).selectOption({ label: "Station Road" });
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("feed").length === 1);

  await page.evaluate((none) => {
    const mock = /** @type {any} */ (window).__mock;
    mock.answers.feed = () => ({ ...none, items: [] });
    mock.emit({ type: "feed_changed", counts: { unhandled: 0, unseen: 0, total: 4, cleared: 0, today: 0 } });
  }, NO_PAGE);
  await page.getByText("No alert is like that.").waitFor();
  const chosen = await page.getByRole("combobox", { name: "Store" }).locator("option:checked").innerText();
  await page.evaluate(() => delete (/** @type {any} */ (window).__mock.answers.feed));
  await page.getByRole("button", { name: "Show all alerts" }).click();
  await page.waitForFunction(() => document.querySelectorAll("article.row").length === 11);

  assert.equal(offered, false);
  assert.equal(chosen, "Station Road");
});

test("an alert of another store or severity stays out of a narrowed list", async () => {
  const page = await set.open("full");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("combobox", { name: "Severity" }).selectOption("high");
  await page.getByRole("combobox", { name: "Store" }).selectOption({ label: "Main Street" });
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("feed").length === 2);

  for (const [id, values] of Object.entries({ 91: { severity: "low" }, 92: { shop: "Station Road" }, 93: {} })) await arrive(page, id, values);
  await page.waitForSelector('article[data-key="93"]');

  assert.equal(await page.locator('article[data-key="91"], article[data-key="92"]').count(), 0);
});

test("a search that means a day says which", async () => {
  const page = await set.open("full");
  const from = new Date("2025-11-20T00:00:00+01:00").getTime();
  await page.evaluate(
    ({ none, from }) => {
      /** @type {any} */ (window).__mock.answers.feed = () => ({ ...none, items: [], understood: { words: "", from, to: from + 86_400_000 } });
    },
    { none: NO_PAGE, from },
  );

  await page.getByRole("searchbox").fill("20 nov");

  await page.getByRole("status").filter({ hasText: /^Showing Thursday 20 November/ }).waitFor();
});

test("200,000 alerts scroll like 200: rows are few, what is read stays in its place, and the way back is there", async () => {
  const page = await long();
  const rows = () => page.locator("article.row").count();
  let most = 0;

  for (let turn = 0; turn < 8; turn += 1) {
    const last = await page.locator("article.row").last().getAttribute("data-key");
    const [before] = await toEnd(page, last ?? "", true);
    most = Math.max(most, await rows());
    assert.ok(Math.abs(before ?? 99) < 2, `the row that was last stays where it is: ${before}`);
  }
  const first = page.locator("article.row").first();
  const [position, key] = [Number(await first.getAttribute("aria-posinset")), Number(await first.getAttribute("data-key"))];

  assert.ok(most <= 200, `${most} rows`);
  assert.ok(position > 1, "rows at the top were let go");
  assert.equal(position, key + 1, "it knows its place in the whole list");
  assert.equal(await first.getAttribute("aria-setsize"), "-1");

  for (let turn = 0; turn < 12 && (await page.locator('article[data-key="0"]').count()) === 0; turn += 1) {
    const top = await page.locator("article.row").first().getAttribute("data-key");
    const [moved] = await toEnd(page, top ?? "", false);
    assert.ok(Math.abs(moved ?? 99) < 2, `the row that was first stays where it is: ${moved}`);
  }
  assert.equal(await page.locator("article.row").first().getAttribute("aria-posinset"), "1");
  assert.ok((await rows()) <= 200);
});

test("going to a date loads what is around it, and newer alerts wait above", async () => {
  const page = await long();
  await page.getByRole("button", { name: "Filter" }).click();

  await page.locator('[name="go_to"]').fill("2025-09-01");
  await page.locator('[name="go_to"]').blur();
  await page.waitForFunction(() => Number(document.querySelector("article.row")?.getAttribute("aria-posinset")) > 1_000);
  const day = await page.locator('[data-part="feed-day"]').innerText();
  await arrive(page, "900001", {});
  await page.getByRole("button", { name: "1 new alert" }).waitFor();
  const mixed = await page.locator('article[data-key="900001"]').count();
  const chip = await page.locator(".chip-set").innerText();
  await page.getByRole("button", { name: "1 new alert" }).click();
  await page.waitForSelector('article[data-key="0"]');

  assert.match(day, /^Monday 1 September/);
  // Of what is here: newer rows may have come by now.
  assert.match(chip, /^From (Monday 1|Tuesday 2) September/);
  assert.equal(mixed, 0);
  assert.equal(await page.locator(".chip-set").count(), 0);
});

test("the keyboard goes on beyond what is here, both ways", async () => {
  const page = await long();
  const key = () => page.evaluate(() => document.activeElement?.getAttribute("data-key"));
  await page.locator("article.row").first().focus();

  await page.keyboard.press("End");
  await page.waitForFunction(() => document.querySelectorAll("article.row").length > 50);
  const end = Number(await key());
  await page.keyboard.press("PageDown");
  await page.waitForFunction((end) => Number(document.activeElement?.getAttribute("data-key")) === end + 1, end);
  await page.keyboard.press("ArrowUp");

  assert.equal(Number(await key()), end);
});

test("the day of what is in sight stands above it", async () => {
  const page = await long();
  const heading = page.locator('[data-part="feed-day"]');
  const newest = await heading.innerText();
  for (let turn = 0; turn < 40 && (await heading.innerText()) === newest; turn += 1) {
    await page.locator("article.row").last().scrollIntoViewIfNeeded();
    await page.waitForTimeout(50);
  }

  assert.equal(await heading.isVisible(), true);
  assert.notEqual(await heading.innerText(), newest);
  const [top, edge] = await page.evaluate(() => ["feed-day", "scroll"].map((part) => document.querySelector(`[data-part="${part}"]`)?.getBoundingClientRect().top));
  assert.equal(top, edge);
});

/** A list of as many alerts, one a minute, numbered from the newest on. */
async function long() {
  const page = await set.open("full", {
    now: NEWEST,
    change({ snapshot }) {
      if (snapshot) Object.assign(snapshot.feed, { items: [], next: null });
    },
  });
  const one = incident({ id: "0", seen: true, cover: null });
  await page.evaluate(
    ({ one, none, many, newest, minute }) => {
      const mock = /** @type {any} */ (window).__mock;
      const item = (/** @type {number} */ n) => ({ type: "incident", ...one, id: String(n), first_at: newest - n * minute, last_at: newest - n * minute });
      mock.answers.feed = (/** @type {any} */ { query: { before, after, at } }) => {
        const from = after !== null ? Math.max(0, Number(after) - 50) : before !== null ? Number(before) + 1 : at !== null ? Math.max(0, Math.ceil((newest - at) / minute)) : 0;
        const to = Math.min(many, after !== null ? Number(after) : from + 50);
        const items = Array.from({ length: to - from }, (_, index) => item(from + index));
        const previous = (after !== null || at !== null) && from > 0 ? String(from) : null;
        return { ...none, items, next: to < many ? String(to - 1) : null, previous, above: at === null ? null : from };
      };
      mock.emit({ type: "feed_changed", counts: { unhandled: 0, unseen: 0, total: many, cleared: 0, today: 0 } });
    },
    { one, none: NO_PAGE, many: MANY, newest: NEWEST, minute: MINUTE },
  );
  await page.waitForSelector('article[data-key="0"]');
  return page;
}

/** Scrolls a row at one end into sight and waits for more beyond it: by how much it moved. @param {Page} page @param {string} key @param {boolean} down */
function toEnd(page, key, down) {
  return page.evaluate(
    async ({ key, down }) => {
      const list = /** @type {HTMLElement} */ (document.querySelector('[data-part="rows"]'));
      const row = /** @type {HTMLElement} */ (list.querySelector(`article[data-key="${key}"]`));
      const isEnd = () => (down ? list.lastElementChild : list.firstElementChild) === row;
      let at = 0;
      const more = new Promise((done) => {
        const observer = new MutationObserver(() => {
          if (isEnd()) return;
          observer.disconnect();
          // Whoever paints has put it back in its place by the end of the frame.
          requestAnimationFrame(() => done(row.getBoundingClientRect().bottom - at));
        });
        observer.observe(list, { childList: true });
      });
      row.scrollIntoView({ block: "center" });
      at = row.getBoundingClientRect().bottom;
      return [await more];
    },
    { key, down },
  );
}

/** @param {Page} page @param {string} id @param {object} values */
async function arrive(page, id, values) {
  const at = await page.evaluate(() => Date.now());
  const item = incident({ id, first_at: at, last_at: at, ...values });
  await emit(page, { type: "alert_added", incident: item, alert: alert({ id: `${id}00` }), counts: COUNTS });
}
