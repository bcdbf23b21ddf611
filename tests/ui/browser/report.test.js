/** The report in a real browser. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { asked, emit, stage, violations } from "../support/browser.js";
import { report as reportOf } from "../support/reports.js";
import { alert, incident } from "../support/world.js";

const NOW = new Date("2025-11-21T14:03:23+01:00").getTime();
const COUNTS = { unhandled: 3, unseen: 3, total: 11, cleared: 0, today: 8 };

/** @type {import("../support/browser.js").Stage} */
let set;
before(async () => void (set = await stage()));
after(() => set?.close());

test("the report is found from the status bar and from the overview, and left by keyboard", async () => {
  const page = await set.open("full");
  const heading = page.getByRole("heading", { name: "Report", exact: true });

  await page.getByRole("banner").getByRole("button", { name: "Report" }).press("Enter");
  await heading.waitFor();
  const at = await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).dataset["part"]);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement?.matches('[data-part="report"]'));
  await page.getByRole("main").getByRole("button", { name: "Report" }).press("Space");
  await heading.waitFor();
  await page.getByRole("button", { name: "Back" }).press("Enter");
  await page.locator("article.row").first().waitFor();

  assert.equal(at, "report-back");
  assert.equal((await asked(page, "report")).length, 2);
});

test("what was lost is said first, and what cannot be known is not called safe", async () => {
  /** @type {[import("../support/world.js").Scenario, Parameters<typeof reportOf>[1], string, string, RegExp][]} */
  const cases = [
    ["full", "day", "whole", "0 alerts lost", /^Every alert in the server’s record is on this computer\.$/],
    ["full", "lost", "lost", "2 alerts lost", /looked for at every comparison/],
    ["full", "gap", "gap", "1 gap", /not certain that every one is here/],
    ["offline", "outage", "pending", "0 alerts lost", /not compared with the server’s record yet/],
    ["catching_up", "day", "pending", "0 alerts lost", /not compared with the server’s record yet/],
    ["deaf", "day", "pending", "0 alerts lost", /not compared with the server’s record yet/],
  ];
  for (const [scenario, what, verdict, title, sentence] of cases) {
    const page = await open(scenario, what);
    const box = page.locator('[data-part="verdict"]');

    assert.equal(await box.getAttribute("data-verdict"), verdict, `${scenario}, ${what}`);
    assert.equal(await box.getByRole("heading").innerText(), title);
    assert.match(await box.locator('[data-part="verdict-sentence"]').innerText(), sentence);
  }
});

test("a gap is shown with its time and what it means, one that was filled stands apart", async () => {
  const page = await open("full", "gap");

  const standing = page.locator('[data-part="gaps"] li');
  const filled = page.locator('[data-part="filled-gaps"] li');

  assert.match(await standing.innerText(), /09:03 to 09:25, 22 min\s+The server has forgotten/);
  assert.match(await filled.innerText(), /Until 05:03\s+The record was compared in full/);
});

test("the figures are in plain words and units", async () => {
  const page = await open("full", "day");

  const figures = await page.locator('[data-part="figures"] .figure').allInnerTexts();

  assert.deepEqual(figures.map((figure) => figure.split(/\n+/)), [
    ["Alerts", "10", "In 10 incidents · 9 came live · 1 afterwards, from the record"],
    ["From detection to popup, live alerts", "0.6 s", "Half of 9 alerts within this, 95 of 100 within 1.2 s"],
    ["From detection to decision", "3 min", "Half of 6 alerts within this, 95 of 100 within 22 min"],
  ]);
  assert.match(await page.locator('[data-part="outages"] li').innerText(), /12:11 to 12:23, 12 min\s+The server refused the connection\. 3 alerts were caught up on\./);
});

test("the time is asked for in whole days", async () => {
  const page = await open("full", "day");

  for (const name of ["7 days", "30 days"]) await page.getByRole("radio", { name }).check({ force: true });
  await page.getByRole("radio", { name: "From–to" }).check({ force: true });
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("report").length === 4);

  const day = (/** @type {string} */ iso) => new Date(`${iso}T00:00:00+01:00`).getTime();
  const summer = (/** @type {string} */ iso) => new Date(`${iso}T00:00:00+02:00`).getTime();
  assert.deepEqual((await asked(page, "report")).map(({ query }) => query), [
    { from: day("2025-11-21"), to: day("2025-11-22") },
    { from: day("2025-11-15"), to: day("2025-11-22") },
    { from: summer("2025-10-23"), to: day("2025-11-22") },
    { from: day("2025-11-15"), to: day("2025-11-22") },
  ]);
  assert.equal(await page.locator('[data-part="report-about"]').innerText(), "15 November 2025 to 21 November 2025, as it stands at 14:03");
});

test("days are read as they are typed, also where the browser has no field for them", async () => {
  const page = await open("full", "day");
  await page.getByRole("radio", { name: "From–to" }).check({ force: true });
  await page.evaluate(() => document.querySelectorAll(".date").forEach((field) => field.setAttribute("type", "text")));
  const [from, to] = [page.getByRole("textbox", { name: "From" }), page.getByRole("textbox", { name: "To" })];
  const problem = page.locator('[data-part="range-problem"]');
  const type = async (/** @type {import("playwright-core").Locator} */ field, /** @type {string} */ words) => {
    await field.fill(words);
    await field.blur();
  };

  await type(from, "last week");
  const unreadable = [await problem.innerText(), await from.getAttribute("aria-invalid"), (await asked(page, "report")).length];
  await type(from, "30.11.2025");
  const backwards = [await problem.innerText(), await from.getAttribute("aria-invalid")];
  await type(from, "1/11/2025");
  await type(to, "2025-11-02");

  assert.deepEqual(unreadable, ["Enter both days, such as 2025-11-21.", "true", 2]);
  assert.deepEqual(backwards, ["The first day is after the last.", "true"]);
  assert.equal(await problem.innerText(), "");
  const last = (await asked(page, "report")).at(-1).query;
  assert.deepEqual(last, { from: new Date("2025-11-01T00:00:00+01:00").getTime(), to: new Date("2025-11-03T00:00:00+01:00").getTime() });
});

test("a time in which nothing happened says so", async () => {
  const page = await open("empty", "none");

  assert.equal(await page.locator('[data-part="verdict-title"]').innerText(), "0 alerts lost");
  await page.getByText("No alert in this time.").waitFor();
  await page.getByText("Not once in this time.").waitFor();
  await page.getByText("No popup in this time").waitFor();
  assert.equal(await page.getByRole("table").count(), 0);
});

test("while it is added up nothing is claimed, and a failure says why and can be tried again", async () => {
  const page = await set.open("full");
  await page.evaluate(() => {
    const { __mock: mock } = /** @type {any} */ (window);
    mock.answers.report = () => new Promise((_, fail) => Object.assign(window, { __fail: fail }));
  });

  await page.locator('[data-part="report"]').click();
  await delivery(page);
  await page.getByText("Adding up…").waitFor();
  const early = await page.locator('[data-part="report-body"]').isVisible();
  await page.evaluate(() => /** @type {any} */ (window).__fail({ code: "not_read", sentence: "The alerts cannot be read.", field: null }));
  await page.getByText("The alerts cannot be read.").waitFor();
  await page.evaluate(() => delete (/** @type {any} */ (window).__mock.answers.report));
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("0 alerts lost").waitFor();

  assert.equal(early, false);
  assert.equal(await page.getByText("The alerts cannot be read.").isVisible(), false);
});

test("the shop's report says how many, when and where, and what was decided", async () => {
  const page = await open("full", "day", undefined, "light", "shop");
  const row = page.locator('[data-part="cameras"]').getByRole("row").filter({ hasText: "Back door" });

  const figures = await page.locator('[data-part="shop-figures"] .figure').allInnerTexts();
  const hours = await page.locator('[data-part="hours"]').getByRole("listitem").allInnerTexts();
  const heights = await page.locator('[data-part="hours"] .bar-fill').evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().height));

  assert.deepEqual(figures.map((figure) => figure.split(/\n+/).slice(0, 3)), [
    ["Incidents", "10", "3 not handled"],
    ["False alarms", "14 %", "1 of 7 that were decided on"],
    ["From detection to decision", "3 min", "Half of 7 incidents within this, 95 of 100 within 22 min"],
  ]);
  assert.equal(hours.length, 24);
  assert.match(hours[12] ?? "", /12:00 to 13:00: 2 incidents/);
  assert.ok((heights[12] ?? 0) > 1.5 * (heights[9] ?? 0) && (heights[9] ?? 0) > 10 && (heights[3] ?? 0) < 4, heights.join());
  assert.match(await row.innerText(), /^Back door\s*Main Street\s+\d+\s+\d/);
  assert.equal(await page.locator('[data-part="verdict"]').isVisible(), false);
  assert.equal(await page.locator('[data-part="shop-warning"]').isVisible(), false);
});

test("the shop's report of a time of which alerts are missing says so, and stays chosen for another time", async () => {
  const page = await open("full", "lost", undefined, "light", "shop");

  await page.getByText("Not every alert of this time is known to be here.").waitFor();
  await delivery(page);
  await page.getByText("2 alerts lost").waitFor();
  await page.getByRole("radio", { name: "7 days" }).check({ force: true });
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("report").length === 2);

  assert.equal(await page.getByRole("radio", { name: "Delivery" }).isChecked(), true);
  assert.equal((await asked(page, "report")).length, 2, "one question answers both");
});

test("what was in the record before is said to be listed and not measured", async () => {
  const page = await open("full", "gap");

  const said = await page.locator('[data-part="unmeasured"]').innerText();

  assert.match(said, /^Measured since .*18:03\. 1,926 older alerts are in the list and were not measured\.$/);
});

test("the table of the time that is shown is saved, and says where", async () => {
  const page = await open("full", "day", undefined, "light", "shop");
  const button = page.getByRole("button", { name: "Save as table" });

  await button.click();
  const told = page.locator('[data-part="table"]');
  await told.getByText("10 incidents are saved as a table").waitFor();
  await page.evaluate(() => {
    /** @type {any} */ (window).__mock.answers.save_table = () => {
      throw { code: "table_unwritable", sentence: "The table was not saved: the disk is full.", field: null };
    };
  });
  await button.click();
  await told.getByText("The table was not saved: the disk is full.").waitFor();
  await page.getByRole("radio", { name: "7 days" }).check({ force: true });

  await page.waitForFunction(() => document.querySelector('[data-part="table"]')?.textContent === "");
  const [first] = await asked(page, "save_table");
  assert.deepEqual(first, { query: (await asked(page, "report"))[0].query });
});

test("the ledger is a table with a row an alert and the time of each stage", async () => {
  const page = await open("full", "day");

  const columns = await page.getByRole("columnheader").allInnerTexts();
  const row = page.getByRole("row").filter({ hasText: "Back door" }).first();
  const cells = await row.getByRole("cell").allInnerTexts();
  const caught = page.getByRole("row").filter({ hasText: "Aisle 5" });

  assert.deepEqual(columns, ["Detected", "Received", "Stored", "Popup", "Seen", "Decided"]);
  assert.match(await row.getByRole("rowheader").innerText(), /^13:12:23\s+Low\s+Back door\s+At once$/);
  assert.deepEqual(cells.map((cell) => cell.split(/\s*\n\s*/)), [
    ["13:12:23", "+0.4 s"],
    ["13:12:23", "+0.4 s"],
    ["13:12:23", "+0.6 s"],
    ["13:13:14", "+51 s"],
    ["13:19:23", "+7 min"],
  ]);
  assert.equal(await caught.locator('[data-stage="notified"]').innerText(), "none");
});

test("the ledger of a busy time says that it is not whole, and is no slower to leave", async () => {
  const page = await open("full", "day", (world) => {
    const many = Array.from({ length: 500 }, (_, n) => incident({ id: String(4_000 + n), first_at: NOW - n * 120_000, last_at: NOW - n * 120_000 }));
    world.report = { ...reportOf(many, "day", NOW), alerts: 1_204 };
  });
  await page.getByRole("radio", { name: "7 days" }).check({ force: true });

  await page.getByText("The newest 500 of 1,204.").waitFor();

  assert.equal(await page.locator('[data-part="ledger-rows"] tr:not(.ledger-day)').count(), 500);
  assert.deepEqual(await page.locator(".ledger-day").allInnerTexts(), ["Today", "Yesterday"]);
});

test("a report that is looked at follows what happens, and one that is not is left alone", async () => {
  const page = await open("full", "day");
  const item = incident({ id: "90", first_at: NOW, last_at: NOW });

  for (let n = 0; n < 20; n += 1) await emit(page, { type: "alert_added", incident: item, alert: alert({ id: `90${n}` }), counts: COUNTS });
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("report").length === 2, null, { timeout: 30_000 });
  await page.keyboard.press("Escape");
  await emit(page, { type: "alert_added", incident: item, alert: alert({ id: "9090" }), counts: COUNTS });
  await page.waitForTimeout(3_300);

  assert.equal((await asked(page, "report")).length, 2);
});

test("an answer about another time than is chosen now is not shown", async () => {
  const page = await set.open("full", { now: NOW });
  await page.evaluate(() => {
    const { __mock: mock, __world: world } = /** @type {any} */ (window);
    const late = /** @type {(() => void)[]} */ ([]);
    Object.assign(window, { __late: late });
    mock.answers.report = (/** @type {any} */ { query }) => {
      const lost = query.to - query.from > 2 * 86_400_000 ? 7 : 0;
      return new Promise((done) => late.push(() => done({ ...world.report, ...query, lost })));
    };
  });
  await page.locator('[data-part="report"]').click();
  await delivery(page);
  await page.getByRole("radio", { name: "7 days" }).check({ force: true });
  await page.getByRole("radio", { name: "Today" }).check({ force: true });

  await page.evaluate(() => /** @type {any} */ (window).__late[1]());
  await page.waitForTimeout(100);
  const other = await page.locator('[data-part="report-body"]').isVisible();
  await page.evaluate(() => /** @type {any} */ (window).__late[2]());
  await page.getByText("0 alerts lost").waitFor();

  assert.equal(other, false);
});

test("printed, it is the report alone, dark on white and whole", async () => {
  const page = await open("full", "day", undefined, "dark");
  await page.evaluate(() => Object.assign(window, { __printed: 0, print: () => void (/** @type {any} */ (window).__printed += 1) }));

  await page.getByRole("button", { name: "Print" }).click();
  await page.emulateMedia({ media: "print", colorScheme: "dark" });

  assert.equal(await page.evaluate(() => /** @type {any} */ (window).__printed), 1);
  assert.equal(await page.getByRole("banner").isVisible(), false);
  assert.equal(await page.getByRole("main").getByRole("button").count(), 0);
  const found = await page.evaluate(() => ({
    ink: getComputedStyle(/** @type {Element} */ (document.querySelector(".report h2"))).color,
    whole: document.documentElement.scrollHeight > innerHeight,
    sheet: getComputedStyle(/** @type {Element} */ (document.querySelector(".sheet:not([hidden])"))).overflow,
  }));
  assert.deepEqual(found, { ink: "rgb(20, 24, 29)", whole: true, sheet: "visible" });
});

test("a computer that cannot print says so", async () => {
  const page = await open("full", "day");
  await page.evaluate(() => Object.assign(window, { print: () => Promise.reject("not allowed") }));

  await page.getByRole("button", { name: "Print" }).click();

  await page.getByText("This computer cannot print from VisionGuard.").waitFor();
});

test("text from the outside stays text in the report", async () => {
  const evil = "<img src=x onerror=\"document.title='owned'\"> {{7*7}} a\u202Eexe.gpj";
  const page = await open("full", "gap", (world) => {
    for (const entry of world.report.entries) entry.camera = evil;
    for (const stretch of [...world.report.gaps, ...world.report.outages]) stretch.sentence = evil;
    if (world.snapshot?.session) Object.assign(world.snapshot.session, { name: evil, server: evil });
    if (world.snapshot?.drill.last) world.snapshot.drill.last.sentence = evil;
  });

  await page.getByText("{{7*7}}").first().waitFor();

  assert.equal(await page.locator('img[src="x"]').count(), 0);
  assert.deepEqual(await violations(page), []);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  assert.doesNotMatch(await page.locator('[data-part="ledger"]').innerText(), /\u202e/);
});

/**
 * @param {import("../support/world.js").Scenario} scenario
 * @param {Parameters<typeof reportOf>[1]} what
 * @param {(world: import("../support/world.js").World) => void} [change]
 * @param {"light" | "dark"} [scheme]
 * @param {"delivery" | "shop"} [which]
 */
async function open(scenario, what, change, scheme = "light", which = "delivery") {
  const page = await set.open(scenario, {
    now: NOW,
    scheme,
    prepare: (page) => page.clock.install({ time: NOW }),
    change(world) {
      const incidents = (world.snapshot?.feed.items ?? []).filter((item) => item.type === "incident");
      world.report = reportOf(incidents, what, NOW);
      change?.(world);
    },
  });
  await page.locator('[data-part="report"]').click();
  await page.locator('[data-part="report-shop"]').waitFor();
  if (which === "delivery") await delivery(page);
  return page;
}

/** How alerts were delivered, instead of what happened in the shop. @param {import("playwright-core").Page} page */
async function delivery(page) {
  await page.getByRole("radio", { name: "Delivery" }).check({ force: true });
  // It is painted a moment later, and words that are not shown are read without their lines.
  await page.locator('[data-part="report-shop"]').waitFor({ state: "hidden" });
}
