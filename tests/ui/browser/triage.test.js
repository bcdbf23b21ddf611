/** What came of an alert, notes and opening again, and several decided on at once: keys counted, and safe from a scanner. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { SETTLE } from "../../../ui/keys.js";
import { asked, emit, stage } from "../support/browser.js";
import { incident } from "../support/world.js";

/**
 * @import { Page } from "playwright-core"
 * @import { Decision } from "../../../ui/types.d.ts"
 */

/** What settles an alert waits so long, and a little more. */
const LATER = 500;
/** How long one that opened by itself is there before it can be decided on, and a little more. */
const GLANCE = 600;
const COUNTS = { unhandled: 3, unseen: 3, total: 11, cleared: 0, today: 8 };

/** @type {import("../support/browser.js").Stage} */
let set;
before(async () => void (set = await stage()));
after(() => set?.close());

test("one key decides and the next opens; what came of it is one more, and nobody has to say it", async () => {
  const page = await opened();

  await page.keyboard.press("r");
  await current(page, "13");
  await page.waitForTimeout(GLANCE);
  await page.keyboard.press("Shift+R");
  await page.waitForFunction(() => document.activeElement?.matches('[data-part="outcome-choices"] button'));
  await page.waitForTimeout(SETTLE * 2);
  await page.keyboard.press("1");
  await page.locator('article[data-key="13"]:not([data-handling="open"])').waitFor();

  assert.deepEqual(await asked(page, "decide"), [
    { incident: "12", decision: "resolved", note: null },
    { incident: "13", decision: "resolved", note: null, outcome: "police_called" },
  ]);
  assert.equal(await page.locator('[data-part="outcomes"]').isVisible(), false);
});

test("with the pointer it is the small button beside it, and the choice is shown with the alert and its row", async () => {
  const page = await opened();

  await page.getByRole("button", { name: "What it was" }).click();
  await page.getByRole("button", { name: "Customer with own goods" }).click();
  await current(page, "13");
  await page.locator('article[data-key="12"]').click();
  await page.getByText(/^False alarm by you, \d\d:\d\d · Customer with own goods$/).waitFor();

  assert.deepEqual(await asked(page, "decide"), [{ incident: "12", decision: "false_alarm", note: null, outcome: "own_goods" }]);
  assert.match((await page.locator('article[data-key="12"]').getAttribute("aria-label")) ?? "", /False alarm by you · Customer with own goods$/);
});

test("afterwards it can be said, and changed, and the decision stays", async () => {
  const page = await opened();
  await page.keyboard.press("r");
  await current(page, "13");
  await page.locator('article[data-key="12"]').click();
  await page.getByText(/^Resolved by you, /).waitFor();

  for (const name of ["Sent away", "Police called"]) {
    await page.getByRole("button", { name: "What came of it" }).click();
    await page.getByRole("button", { name, exact: false }).click();
    await page.getByRole("definition").getByText(name).waitFor();
  }

  assert.deepEqual(await asked(page, "note"), [
    { incident: "12", note: null, outcome: "sent_away" },
    { incident: "12", note: null, outcome: "police_called" },
  ]);
  assert.equal((await asked(page, "decide")).length, 1);
  assert.equal(await page.getByRole("button", { name: "What it was" }).getAttribute("aria-disabled"), "true", "it was no false alarm");
});

test("a scan into the open choices says nothing and decides nothing, and Escape leaves them alone", async () => {
  const page = await opened();
  await page.keyboard.press("Shift+R");
  await page.waitForFunction(() => document.activeElement?.matches('[data-part="outcome-choices"] button'));

  for (const code of ["4006381333931", "1", "12", "5R"]) await scan(page, code);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement?.matches('[data-part="resolve"]'));

  assert.deepEqual([await asked(page, "decide"), await asked(page, "note")], [[], []]);
  assert.equal(await page.locator('[data-part="outcomes"]').isVisible(), false);
  assert.equal(await page.locator('[data-part="detail"]').isVisible(), true);
});

test("a digit means nothing while no choices are open", async () => {
  const page = await opened();

  await page.keyboard.press("1");
  await page.waitForTimeout(LATER + SETTLE);

  assert.deepEqual([await asked(page, "decide"), await asked(page, "note")], [[], []]);
});

test("a note is written at any time, and goes by itself", async () => {
  const page = await opened();
  await page.keyboard.press("a");
  await current(page, "13");
  await page.locator('article[data-key="12"]').click();
  await page.getByText(/^You have it since \d\d:\d\d$/).waitFor();

  await page.keyboard.press("n");
  await page.waitForFunction(() => document.activeElement?.matches('[name="note"]'));
  await page.keyboard.type("Report 4711", { delay: 60 });
  await page.keyboard.press("Enter");
  await page.waitForTimeout(LATER);
  const early = await asked(page, "note");
  await page.getByRole("button", { name: "Save note" }).click();
  await page.getByRole("definition").getByText("Report 4711").waitFor();

  assert.deepEqual(early, [], "Enter, as of a scanner, sends nothing");
  assert.deepEqual(await asked(page, "note"), [{ incident: "12", note: "Report 4711", outcome: null }]);
  assert.equal((await asked(page, "decide")).length, 1);
  await page.getByRole("button", { name: "Note", exact: true }).click();
  assert.equal(await page.locator('[name="note"]').inputValue(), "Report 4711", "to go on with");
});

test("who has it, what came of it and what others wrote is named", async () => {
  const page = await opened();
  const theirs = incident({ id: "12", handling: { state: "recorded", decision: "acknowledged", here: false, at: Date.now() }, by: "Ana Moser" });
  await page.evaluate((incident) => {
    const detail = /** @type {any} */ (window).__world.details["12"];
    Object.assign(detail, { incident, notes: [{ text: "Two men <b>", by: "Ana Moser" }, { text: "seen on camera 2", by: null }] });
  }, theirs);
  await emit(page, { type: "incident_changed", incident: theirs, counts: COUNTS });

  await page.getByText(/^Ana Moser has it since \d\d:\d\d$/).waitFor();
  await page.getByRole("term").getByText("Note by Ana Moser").waitFor();
  await page.getByRole("definition").getByText("Two men <b>").waitFor();
  await page.getByRole("definition").getByText("seen on camera 2").waitFor();
  assert.match((await page.locator('article[data-key="12"]').getAttribute("aria-label")) ?? "", /Ana Moser has it$/);
});

test("O opens again what was decided; it counts as open, and Z takes that back", async () => {
  const page = await opened();
  await page.keyboard.press("f");
  await current(page, "13");
  await page.locator('article[data-key="12"]').click();
  await page.getByText(/^False alarm by you, /).waitFor();
  await page.evaluate(() => Object.assign(window, { __undo: 60_000 }));

  await page.waitForTimeout(SETTLE * 2);
  await page.keyboard.press("o");
  await page.getByText(/^Opened again by you, /).waitFor();
  const [open, button] = [page.getByRole("button", { name: "Open again" }), page.getByRole("button", { name: "Acknowledge" })];
  const shown = [await open.isVisible(), await button.getAttribute("aria-disabled")];
  await page.getByText("Opened again: Aisle 3").waitFor();
  await page.waitForTimeout(SETTLE * 2);
  await page.keyboard.press("z");
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("undo").length === 1);

  assert.deepEqual(shown, [false, null]);
  assert.deepEqual((await asked(page, "decide")).map((call) => call.decision), ["false_alarm", "reopened"]);
});

test("O does nothing to what nobody has decided", async () => {
  const page = await opened();

  await page.keyboard.press("o");
  await page.waitForTimeout(LATER + SETTLE);

  assert.deepEqual(await asked(page, "decide"), []);
});

test("several are chosen by Ctrl, Shift and the box, decided with one key, and taken back with one", async () => {
  const page = await set.open("full", { change: allOpen, prepare: (page) => page.addInitScript(() => Object.assign(window, { __undo: 60_000 })) });
  const row = (/** @type {string} */ id) => page.locator(`article[data-key="${id}"]`);

  await row("12").click({ modifiers: ["Control"] });
  await row("14").click({ modifiers: ["Shift"] });
  await page.getByText("3 selected", { exact: true }).waitFor();
  await row("13").getByRole("checkbox").click();
  await page.getByText("2 selected", { exact: true }).waitFor();
  const two = await chosen(page);
  assert.deepEqual(two, ["12", "14"]);
  const none = await asked(page, "incident");
  await page.waitForTimeout(SETTLE * 2);
  await page.keyboard.press("r");
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("decide_each").length === 1);
  await page.locator('[data-part="selection"]').waitFor({ state: "hidden" });
  await page.getByText("Resolved: 2 alerts", { exact: true }).waitFor();
  const label = await row("12").getAttribute("aria-label");
  await page.waitForTimeout(SETTLE * 2);
  await page.keyboard.press("z");
  await page.locator('article[data-key="12"][data-handling="open"]').waitFor();

  assert.deepEqual(none, [], "choosing opens nothing");
  assert.deepEqual(await asked(page, "decide_each"), [{ incidents: two, decision: "resolved" }]);
  assert.deepEqual(await asked(page, "undo_each"), [{ incidents: two }]);
  assert.match(label ?? "", /decided unopened$/);
  assert.deepEqual(await asked(page, "decide"), []);
});

test("the keyboard alone: Shift with the arrows and with J and K extends, X toggles, Escape lets go, Ctrl+A takes all", async () => {
  const page = await set.open("full", { change: allOpen });
  const incidents = await page.locator("article.row:not([data-kind])").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-key")));
  await page.locator("article.row").first().focus();
  const many = (/** @type {number} */ count) => page.waitForFunction((count) => document.querySelectorAll("article[data-chosen]").length === count, count);

  await page.keyboard.press("Shift+ArrowDown");
  await page.keyboard.press("Shift+ArrowDown");
  await many(3);
  const stretched = await chosen(page);
  await page.keyboard.press("Shift+ArrowUp");
  await many(2);
  const shorter = await chosen(page);
  await page.keyboard.press("Shift+J");
  await many(3);
  await page.waitForTimeout(SETTLE * 2);
  await page.keyboard.press("x");
  await many(2);
  await page.keyboard.press("Control+a");
  await many(incidents.length);
  const bar = await page.locator('[data-part="selection-count"]').innerText();
  await page.keyboard.press("Escape");
  await page.locator('[data-part="selection"]').waitFor({ state: "hidden" });

  assert.deepEqual(stretched, incidents.slice(0, 3));
  assert.deepEqual(shorter, incidents.slice(0, 2));
  assert.equal(bar, `${incidents.length} selected`);
  assert.deepEqual(await chosen(page), []);
  assert.equal(await page.evaluate(() => document.activeElement?.matches("article.row")), true, "the keyboard stays in the list");
});

test("a scan decides nothing on what is chosen, and chooses nothing", async () => {
  const page = await set.open("full", { change: allOpen });
  await page.locator("article.row").first().focus();
  await page.keyboard.press("Control+a");
  await page.locator('[data-part="selection"]').waitFor();
  const before = await chosen(page);

  for (const code of ["ARFX", "RRRR", "4006381333931", "XR", "A1"]) await scan(page, code);
  await page.getByRole("button", { name: "Acknowledge" }).focus();
  await scan(page, "4006381333931");

  assert.deepEqual(await asked(page, "decide_each"), []);
  assert.deepEqual(await chosen(page), before);
});

test("what is left of a camera is one press, and what was decided meanwhile is said to be", async () => {
  const page = await set.open("full", { change: allOpen });
  await page.locator('article[data-key="12"]').click({ modifiers: ["Control"] });
  await page.getByRole("button", { name: /^All \d+ of Aisle 3$/ }).click();
  const all = await chosen(page);
  await page.evaluate(() => void (/** @type {any} */ (window).__mock.answers.decide_each = () => []));

  await page.getByRole("button", { name: "False alarm" }).click();
  await page.getByText("Nothing was changed: these are decided on already.", { exact: false }).waitFor();

  assert.ok(all.length > 2, `${all.length} chosen`);
  assert.equal(await page.locator('article[data-handling="sending"]').count(), 0);
});

test("five hundred are chosen and shown without a pause that anybody feels", async () => {
  const page = await set.open("full", {
    change(world) {
      const items = Array.from({ length: 500 }, (_, index) => ({ type: /** @type {const} */ ("incident"), ...incident({ id: `${1_000 - index}`, cover: null }) }));
      if (world.snapshot) Object.assign(world.snapshot.feed, { items, next: null });
    },
  });
  await page.locator("article.row").first().focus();

  const took = await page.evaluate(async () => {
    const began = performance.now();
    document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key: "a", ctrlKey: true, bubbles: true, cancelable: true }));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return performance.now() - began;
  });

  assert.equal(await page.locator('[data-part="selection-count"]').innerText(), "500 selected");
  // However busy the machine.
  assert.ok(took < 5_000, `${took} ms`);
});

/** The page with its first alert open and ready. */
async function opened() {
  const page = await set.open("full", { change: allOpen });
  await page.locator('article[data-key="12"]').click();
  await page.locator('[data-part="detail"][data-phase="ready"]').waitFor();
  await page.waitForTimeout(SETTLE * 2);
  return page;
}

/** @param {import("../support/world.js").World} world */
function allOpen(world) {
  const open = /** @type {const} */ ({ state: "open" });
  for (const item of world.snapshot?.feed.items ?? []) if (item.type === "incident") item.handling = open;
  for (const detail of Object.values(world.details)) if (detail) detail.incident = { ...detail.incident, handling: open };
}

/** @param {Page} page @param {string} id */
const current = (page, id) => page.locator(`article[data-key="${id}"][aria-current]`).waitFor();

/** @param {Page} page */
const chosen = (page) => page.locator("article[data-chosen]").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-key")));

/** A code in one go, as fast as a scanner is, however busy the machine. @param {Page} page @param {string} code */
async function scan(page, code) {
  await page.evaluate((keys) => {
    for (const key of keys) document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    if (document.activeElement instanceof HTMLButtonElement) document.activeElement.click();
  }, [...code, "Enter"]);
  await page.waitForTimeout(1_200);
}
