/** The keyboard, a person's and a scanner's, in a real browser. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { SETTLE } from "../../../ui/keys.js";
import { asked, emit, stage } from "../support/browser.js";
import { alert, incident } from "../support/world.js";

/** How long one that opened by itself is there before it can be decided on, and a little more. */
const GLANCE = 600;
const COUNTS = { unhandled: 3, unseen: 3, total: 11, cleared: 0, today: 8 };
const CODES = ["4006381333931", "AB-12/34", " 5012345678900", "/4006381333931", "1"];

/** @type {import("../support/browser.js").Stage} */
let set;
before(async () => void (set = await stage()));
after(() => set?.close());

test("an alert is found, opened, acknowledged and left by keyboard alone", async () => {
  const page = await set.open("full");

  await page.keyboard.press("PageDown");
  await page.keyboard.press("PageDown");
  const second = await focused(page);
  await page.keyboard.press("PageUp");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Theft pattern" }).waitFor();
  await page.waitForFunction(() => document.activeElement?.tagName === "H2");
  for (let tabs = 0; tabs < 6 && !(await focused(page)).includes("acknowledge"); tabs += 1) await page.keyboard.press("Tab");
  const button = await focused(page);
  await page.keyboard.press("Enter");
  await page.locator('article[data-key="12"][data-handling="recorded"]').waitFor();
  await page.locator('article[data-key="13"][aria-current]').waitFor();
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement?.matches('article[data-key="12"]'));

  assert.match(second, /13/);
  assert.match(button, /acknowledge/);
  assert.deepEqual(await asked(page, "decide"), [{ incident: "12", decision: "acknowledged", note: null }]);
});

test("S asks for how long a camera is snoozed, once more takes a quarter of an hour, and Escape leaves it", async () => {
  const page = await set.open("full");
  await page.locator('article[data-key="12"]').click();
  await page.locator('[data-part="detail"][data-phase="ready"]').waitFor();

  await page.keyboard.press("s");
  await page.waitForFunction(() => document.activeElement?.matches('[data-minutes="15"]'));
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement?.matches('[data-part="snooze-toggle"]'));
  const left = await asked(page, "snooze");
  await page.waitForTimeout(SETTLE);
  await page.keyboard.press("s");
  await page.waitForFunction(() => document.activeElement?.matches('[data-minutes="15"]'));
  await page.waitForTimeout(SETTLE);
  await page.keyboard.press("s");
  await page.locator('[data-part="snoozes"] li').waitFor();

  assert.deepEqual(left, []);
  assert.deepEqual(await asked(page, "snooze"), [{ incident: "12", length: { minutes: 15 }, why: null }]);
  assert.equal(await page.locator('article[aria-current="true"]').getAttribute("data-key"), "12");
});

test("one key decides and the next opens: a shift takes one key an alert", async () => {
  const page = await set.open("full", {
    change(world) {
      const open = /** @type {const} */ ({ state: "open" });
      for (const item of world.snapshot?.feed.items ?? []) if (item.type === "incident") item.handling = open;
      for (const detail of Object.values(world.details)) if (detail) detail.incident = { ...detail.incident, handling: open };
    },
  });
  const current = () => page.locator("article[aria-current]").getAttribute("data-key");
  const open = await page.locator('article[data-handling="open"]').evaluateAll((rows) => rows.map((row) => row.getAttribute("data-key")));
  const keys = ["a", "f", "r"];

  // The focus is in its row then, and goes along.
  await page.locator('article[data-key="12"]').click();
  await page.locator('article[data-key="12"][aria-current]').waitFor();
  for (const [index, id] of open.entries()) {
    await page.locator('[data-part="detail"][data-phase="ready"]').waitFor();
    await page.waitForTimeout(GLANCE);
    await page.keyboard.press(keys[index % 3] ?? "a");
    await page.locator(`article[data-key="${id}"]:not([data-handling="open"])`).waitFor();
    if (index + 1 < open.length) await page.locator(`article[data-key="${open[index + 1]}"][aria-current]`).waitFor();
  }

  assert.ok(open.length > 5, `${open.length} alerts to decide on`);
  const decided = /** @type {{ incident: string, decision: string }[]} */ (await asked(page, "decide"));
  assert.deepEqual(decided.map((call) => call.incident), open);
  assert.deepEqual(decided.slice(0, 3).map((call) => call.decision), ["acknowledged", "false_alarm", "resolved"]);
  assert.equal(await current(), open.at(-1), "the last one stays: there is no next");
  await page.waitForTimeout(SETTLE * 2);
  await page.keyboard.press("a");
  await page.waitForTimeout(SETTLE * 2);
  assert.equal((await asked(page, "decide")).length, decided.length, "what is decided is not decided again");
});

test("the second click of a double click, and a key held down, decide nothing more", async () => {
  for (const decide of [
    (/** @type {import("playwright-core").Page} */ page) => page.getByRole("button", { name: "Acknowledge" }).dblclick(),
    async (/** @type {import("playwright-core").Page} */ page) => {
      for (let n = 0; n < 12; n += 1) {
        await page.keyboard.down("a");
        await page.waitForTimeout(40);
      }
      await page.keyboard.up("a");
    },
  ]) {
    const page = await set.open("full");
    await page.locator("article.row").first().click();
    await page.locator('[data-part="detail"][data-phase="ready"]').waitFor();
    await page.waitForTimeout(GLANCE);

    await decide(page);
    await page.locator('article[data-key="13"][aria-current]').waitFor();
    await page.waitForTimeout(GLANCE);

    assert.deepEqual(await asked(page, "decide"), [{ incident: "12", decision: "acknowledged", note: null }]);
  }
});

test("J and K lead through all alerts, the arrows from within the large view, N to the note, ? to the list of keys", async () => {
  const page = await set.open("full");
  const at = (/** @type {string} */ id) => page.locator(`article[data-key="${id}"][aria-current]`).waitFor();

  await page.keyboard.press("j");
  await at("12");
  await page.waitForTimeout(SETTLE * 2);
  await page.keyboard.press("J");
  await at("13");
  await page.locator('[data-part="acknowledge"]').focus();
  await page.keyboard.press("ArrowUp");
  await at("12");
  await page.waitForTimeout(SETTLE * 2);
  await page.keyboard.press("k");
  await page.waitForTimeout(SETTLE * 2);
  await at("12");
  await page.keyboard.press("n");
  await page.waitForFunction(() => document.activeElement?.matches('[name="note"]'));
  await page.keyboard.type("jarf?", { delay: SETTLE * 2 });
  assert.equal(await page.locator('[name="note"]').inputValue(), "jarf?", "in a field a key is text");
  await page.keyboard.press("Escape");
  await page.waitForTimeout(SETTLE * 2);
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "What the keys do" }).waitFor();
  await page.keyboard.press("a");
  await page.waitForTimeout(SETTLE * 2);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });

  assert.equal(await page.locator('[data-part="detail"]').isVisible(), true, "Escape closes the list of keys alone");
  assert.deepEqual(await asked(page, "decide"), []);
});

test("a key decides on what is looked at: at another row it opens that first", async () => {
  const page = await set.open("full");
  await page.locator("article.row").first().click();
  await page.locator('[data-part="detail"][data-phase="ready"]').waitFor();
  await page.locator('article[data-key="13"]').focus();

  await page.keyboard.press("f");
  await page.locator('article[data-key="13"][aria-current]').waitFor();
  const early = await asked(page, "decide");
  await page.waitForTimeout(SETTLE * 2);
  await page.keyboard.press("f");
  await page.locator('article[data-key="13"]:not([data-handling="open"])').waitFor();

  assert.deepEqual(early, []);
  assert.deepEqual(await asked(page, "decide"), [{ incident: "13", decision: "false_alarm", note: null }]);
});

test("a scan of the very letters that decide does nothing", async () => {
  const page = await set.open("full");
  await page.locator("article.row").first().click();
  await page.locator('[data-part="detail"][data-phase="ready"]').waitFor();

  for (const code of ["ARFNJK?", "A1", "FFFF", "JA"]) {
    // In one go, as fast as a scanner is, however busy the machine.
    await page.evaluate((keys) => {
      for (const key of keys) document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    }, [...code, "Enter"]);
    await page.waitForTimeout(1_200);
  }

  assert.deepEqual(await asked(page, "decide"), []);
  assert.equal(await page.locator("article[aria-current]").getAttribute("data-key"), "12");
  assert.equal(await page.getByRole("dialog").isVisible(), false);
});

test("Home, End and the arrows move between alerts; one Tab leaves the list", async () => {
  const page = await set.open("full");
  await page.locator("article.row").first().focus();

  await page.keyboard.press("End");
  const last = await focused(page);
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowDown");
  const second = await focused(page);
  await page.keyboard.press("Tab");

  assert.match(last, /22/);
  assert.match(second, /13/);
  assert.equal(await page.evaluate(() => document.activeElement?.closest('[role="feed"]')), null);
});

test("the focus is visible, and stays where it is while alerts arrive", async () => {
  const page = await set.open("full");
  await page.keyboard.press("PageDown");
  await page.keyboard.press("End");
  const row = page.locator("article.row:focus");
  const before = await row.boundingBox();
  const outline = await row.evaluate((element) => getComputedStyle(element).outlineWidth);

  for (let n = 0; n < 20; n += 1) await arrive(page, String(900 + n));
  await page.waitForFunction(() => document.querySelectorAll("article.row").length === 31);
  const after = await row.boundingBox();

  assert.equal(outline, "2px");
  assert.match(await focused(page), /22/);
  assert.ok(before && after && Math.abs(before.y - after.y) < 2, "the row stays where the eye is");
  await page.getByRole("button", { name: "20 new alerts" }).waitFor();
});

test("rows hold still under a pointer that is about to press one", async () => {
  const page = await set.open("full");
  const row = page.locator('article[data-key="13"]');
  await row.hover();
  const before = await row.boundingBox();

  for (let n = 0; n < 5; n += 1) await arrive(page, String(900 + n));
  await page.waitForSelector('article[data-key="904"]');
  const after = await row.boundingBox();

  assert.ok(before && after && Math.abs(before.y - after.y) < 2);
  await page.getByRole("button", { name: "5 new alerts" }).click();
  assert.equal(await page.locator('[data-part="scroll"]').evaluate((element) => element.scrollTop), 0);
});

test("a scan never acts, wherever the focus is", async () => {
  const places = [
    'article[data-key="12"]',
    '[data-part="acknowledge"]',
    '[data-part="false-alarm"]',
    '[data-part="resolve"]',
    '[data-part="note-toggle"]',
    '[data-part="dismiss"]',
    '[data-part="back"]',
    '[data-part="clear"]',
    '[data-part="filter-button"]',
    '[name="severity"]',
    '[name="go_to"]',
    '[data-part="report"]',
    '[data-filter="unhandled"]',
    '[data-part="settings"]',
    '[data-part="remedy"]',
    "body",
  ];
  const page = await set.open("offline");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.locator("article.row").first().click();
  await page.waitForSelector('[data-part="acknowledge"]');
  const calls = await count(page);

  for (const place of places) {
    for (const code of places.indexOf(place) < 6 ? CODES : CODES.slice(0, 2)) {
      const target = page.locator(place);
      if (place === "body") await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).blur());
      else if (await target.isVisible()) await target.focus();
      else continue;
      const before = await focused(page);

      await scan(page, code);

      assert.equal(await focused(page), before, `${code} at ${place}: focus`);
      assert.equal(await count(page), calls, `${code} at ${place}`);
      assert.equal(await page.locator('[data-part="detail"]').isVisible(), true, `${code} at ${place}`);
    }
  }
});

test("a scan does not confirm a question that is being asked", async () => {
  const page = await set.open("full");
  await page.locator('[data-part="settings"]').first().click();
  await page.getByRole("button", { name: "Sign out" }).click();

  for (const part of ["sign-out-no", "sign-out-yes"]) {
    await page.locator(`[data-part="${part}"]`).focus();
    for (const code of CODES) await scan(page, code);
  }

  assert.deepEqual(await asked(page, "sign_out"), []);
  assert.equal(await page.locator('[data-part="sign-out-yes"]').isVisible(), true);
});

test("Z takes back what was decided last, and a scan does not", async () => {
  const page = await set.open("full");
  await page.evaluate(() => void (/** @type {any} */ (window).__undo = 60_000));
  await page.locator('article[data-key="12"]').click();
  await page.locator('[data-part="resolve"]').click();
  await page.getByText("Resolved: ").waitFor();

  await scan(page, "ZZ99Z99Z");
  await page.locator('[data-part="undo-button"]').focus();
  await scan(page, CODES[0] ?? "");
  const scanned = await asked(page, "undo");
  await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).blur());
  await page.waitForTimeout(1_100);
  await page.keyboard.press("z");
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("undo").length === 1);

  assert.deepEqual(scanned, []);
});

test("a scan into the password does not sign in, a person's Enter does", async () => {
  const page = await set.open("sign_in");
  await page.fill("#server", "https://visionguard.example.com");
  await page.fill("#email", "maria.keller@example.com");
  await page.focus("#password");

  await scan(page, "4006381333931");
  const scanned = await asked(page, "sign_in");
  await page.getByText("press Enter again").waitFor();
  await page.fill("#password", "");
  await page.keyboard.type("secret", { delay: 90 });
  await page.waitForTimeout(200);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("sign_in").length === 1);

  assert.deepEqual(scanned, []);
  assert.equal((await asked(page, "sign_in"))[0].password, "secret");
});

test("what types the e-mail address, Tab and the password as fast as a scanner signs in", async () => {
  const page = await set.open("sign_in");
  await page.locator("#server").fill("https://visionguard.example.com");
  await page.focus("#email");

  await scan(page, "maria@shop\tsecret word");
  await page.getByText("No alerts yet").waitFor();

  const [sent] = await asked(page, "sign_in");
  assert.deepEqual([sent.email, sent.password], ["maria@shop", "secret word"]);
});

test("a code that a scanner splits by Tab does not sign in", async () => {
  const page = await set.open("sign_in");
  await page.locator("#server").fill("https://visionguard.example.com");
  await page.focus("#email");

  await scan(page, "40063813\t33931");
  await page.getByText("press Enter again").waitFor();

  assert.deepEqual(await asked(page, "sign_in"), []);
});

test("B blurs every picture at once, also the one under the pointer, and shows them again", async () => {
  const page = await set.open("full");
  await page.locator('article[data-key="12"]').click();
  await page.locator('[data-part="stage"] [data-part="frame"]').waitFor();
  await page.locator('[data-part="stage"]').hover();
  const filter = () => page.locator('[data-part="stage"] img[data-part="frame"]').evaluate((image) => getComputedStyle(image).filter);
  const clear = await filter();

  await page.keyboard.press("b");
  await page.waitForFunction(() => document.documentElement.hasAttribute("data-veil-pointer"));
  await page.waitForTimeout(SETTLE);
  await page.keyboard.press("n");
  await page.waitForFunction(() => document.activeElement?.matches("#decision-note"));
  const veiled = await filter();
  await page.keyboard.press("Escape");
  const thumbs = await page.locator(".thumb img").evaluateAll((images) => images.map((image) => getComputedStyle(image).filter));
  await page.mouse.move(5, 5);
  await page.locator('[data-part="stage"]').hover();
  const pointedAt = await filter();
  await page.waitForTimeout(SETTLE);
  await page.keyboard.press("b");
  await page.waitForFunction(() => !document.documentElement.hasAttribute("data-blur"));

  assert.deepEqual([clear, pointedAt], ["none", "none"]);
  assert.match(veiled, /blur/);
  assert.ok(thumbs.length > 0 && thumbs.every((filter) => filter.includes("blur")));
  assert.deepEqual((await asked(page, "change_settings")).map(({ settings }) => settings.blur), [true, false]);
});

test("Ctrl+A takes what is read of the alert, and nothing of the window around it", async () => {
  const page = await set.open("full");
  await page.keyboard.press("Control+a");
  const nothing = await page.evaluate(() => String(getSelection()));
  await page.locator('article[data-key="12"]').click();
  await page.locator('[data-part="detail"][data-phase="ready"]').waitFor();
  await page.locator('[data-part="detail"] [data-part="kind"]').click();

  await page.keyboard.press("Control+a");
  const selected = await page.evaluate(() => String(getSelection()));

  assert.equal(nothing, "");
  assert.match(selected, /Theft pattern/);
  assert.doesNotMatch(selected, /Not handled|Acknowledge|Settings/);
});

test("a scan into a note decides nothing", async () => {
  const page = await set.open("full");
  await page.locator("article.row").first().click();
  await page.getByRole("button", { name: "Note", exact: true }).click();
  await page.waitForFunction(() => document.activeElement?.matches('[name="note"]'));

  for (const code of CODES) await scan(page, code);

  assert.deepEqual(await asked(page, "decide"), []);
  assert.equal(await page.locator('[data-part="detail"]').isVisible(), true);
});

test("a scan at a control of the settings changes nothing and tests nothing", async () => {
  const page = await set.open("full");
  await page.getByRole("button", { name: "Settings" }).click();

  for (const place of ['[name="sound"]', '[name="sound_volume"]', '[data-part="sound-play"]', '[name="drill_daily"]', '[name="drill_at"]', '.settings [data-part="drill-button"]']) {
    for (const code of CODES.slice(0, 4)) {
      await page.locator(place).focus();
      await scan(page, code);
      if (place.includes("drill_at")) await page.waitForTimeout(LONG_SETTLE + 60);
    }
  }

  const changes = await asked(page, "change_settings");
  assert.deepEqual(changes.filter(({ settings }) => !settings.sound || settings.sound_volume !== 70 || settings.drill_at !== "09:00"), []);
  assert.deepEqual(await asked(page, "drill"), []);
  assert.deepEqual(await asked(page, "try_sound"), []);
  assert.equal(await page.locator('[name="drill_at"]').inputValue(), "09:00");
});

test("a scan on the report does nothing", async () => {
  const page = await set.open("full");
  await page.locator('[data-part="report"]').click();
  await page.getByRole("radio", { name: "Delivery" }).check({ force: true });
  await page.locator('[data-part="report-body"]').waitFor();
  await page.evaluate(() => Object.assign(window, { __printed: 0, print: () => void (/** @type {any} */ (window).__printed += 1) }));

  for (const place of ['[data-part="print"]', '[data-part="report-back"]', '.report [data-part="drill-button"]', '[name="period"]:checked']) {
    for (const code of CODES.slice(0, 4)) {
      await page.locator(place).focus();
      await scan(page, code);
    }
  }

  assert.equal(await page.evaluate(() => /** @type {any} */ (window).__printed), 0);
  assert.deepEqual(await asked(page, "drill"), []);
  assert.equal((await asked(page, "report")).length, 1);
  assert.equal(await page.getByRole("heading", { name: "Report", exact: true }).isVisible(), true);
});

test("a scan does not tick that the password is kept", async () => {
  const page = await set.open("sign_in");
  await page.locator("#keep-password").focus();

  for (const code of CODES) await scan(page, code);

  assert.equal(await page.locator("#keep-password").isChecked(), false);
  assert.deepEqual(await asked(page, "sign_in"), []);
});

test("a key held down presses a button once", async () => {
  const page = await set.open("full");
  await page.evaluate(() => void (/** @type {any} */ (window).__mock.answers.retry_now = () => null));
  await page.locator("article.row").first().click();
  await page.locator('[data-part="dismiss"]').focus();

  for (let n = 0; n < 12; n += 1) await page.keyboard.down("Enter");
  await page.keyboard.up("Enter");
  await page.waitForTimeout(300);

  assert.ok((await asked(page, "dismiss")).length <= 1);
});

test("a slash alone leads to the search, Escape leaves it", async () => {
  const page = await set.open("full");
  await page.locator("article.row").first().focus();

  await page.keyboard.press("/");
  await page.waitForFunction(() => document.activeElement?.matches('[name="search"]'));
  await page.keyboard.type("till", { delay: 60 });
  await page.waitForFunction(() => document.querySelectorAll("article.row").length === 2);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.querySelectorAll("article.row").length === 11);

  assert.equal(await page.locator('[name="search"]').inputValue(), "");
});

test("narrow, an alert opens over the list and the way back leads to its row", async () => {
  const page = await set.open("full", { width: 360, height: 740 });
  await page.locator("article.row").nth(1).focus();

  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "All alerts" }).waitFor();
  const hidden = await page.evaluate(() => /** @type {HTMLElement} */ (document.querySelector(".feed")).inert);
  await page.getByRole("button", { name: "All alerts" }).click();
  await page.waitForFunction(() => document.activeElement?.matches('article[data-key="13"]'));

  assert.equal(hidden, true);
  assert.equal(await page.evaluate(() => /** @type {HTMLElement} */ (document.querySelector(".feed")).inert), false);
});

test("the strip is walked with the arrows", async () => {
  const page = await set.open("full");
  await page.locator("article.row").first().click();
  await page.waitForSelector(".strip-frame");

  await page.locator('.strip-frame[tabindex="0"]').focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");

  await page.waitForSelector('.strip-frame[aria-pressed="true"][data-key="1209"]');
  const chosen = await page.locator('.strip-frame[aria-pressed="true"]').getAttribute("aria-label");
  assert.match(chosen ?? "", /^Picture 10 of 12, \d\d:\d\d:\d\d$/);
  assert.match(await focused(page), /1209/);
});

/**
 * A scanner's keys: 8 ms apart by their own time stamps, however slow this computer is today.
 *
 * @param {import("playwright-core").Page} page
 * @param {string} code
 */
async function scan(page, code) {
  await wait(page);
  const session = await page.context().newCDPSession(page);
  const start = Date.now() / 1_000;
  const keys = [...code].map((text) => (text === "\t" ? { key: "Tab", text: "" } : { key: text, text }));
  const sent = [...keys, { key: "Enter", text: "\r" }].flatMap(({ key, text }, at) => {
    const timestamp = start + at * 0.008;
    const windowsVirtualKeyCode = key === "Enter" ? 13 : key === "Tab" ? 9 : key.toUpperCase().charCodeAt(0);
    return [
      session.send("Input.dispatchKeyEvent", { type: "keyDown", key, text, windowsVirtualKeyCode, timestamp }),
      session.send("Input.dispatchKeyEvent", { type: "keyUp", key, windowsVirtualKeyCode, timestamp: timestamp + 0.002 }),
    ];
  });
  await Promise.all(sent);
  await session.detach();
  await page.waitForTimeout(/^[ /]/.test(code) ? LONG_SETTLE + 60 : 160);
}

/** How long a press waits for the rest of a scan here. */
const LONG_SETTLE = 1_000;

/**
 * Lets a press wait longer for the keys that follow: their time stamps are as a scanner's, but a slow computer hands
 * them over later.
 *
 * @param {import("playwright-core").Page} page
 */
function wait(page) {
  return page.evaluate(
    ([settle, long]) => {
      const real = window.setTimeout;
      if (real.name === "patient") return;
      const patient = (/** @type {() => void} */ act, /** @type {number} */ ms) => real(act, ms === settle ? long : ms);
      Object.assign(window, { setTimeout: patient });
    },
    [SETTLE, LONG_SETTLE],
  );
}

/** How much was asked of the program, looking aside. @param {import("playwright-core").Page} page */
function count(page) {
  return page.evaluate(() => /** @type {any} */ (window).__mock.calls.filter((/** @type {any} */ call) => !["seen", "looks"].includes(call.command)).length);
}

/** What has the focus. @param {import("playwright-core").Page} page */
function focused(page) {
  return page.evaluate(() => {
    const element = /** @type {HTMLElement} */ (document.activeElement);
    return `${element.tagName} ${element.dataset.part ?? ""} ${element.dataset.key ?? element.dataset.filter ?? ""}`;
  });
}

/** @param {import("playwright-core").Page} page @param {string} id */
async function arrive(page, id) {
  const at = Date.now();
  await emit(page, { type: "alert_added", incident: incident({ id, first_at: at, last_at: at }), alert: alert({ id: `${id}00` }), counts: COUNTS });
}
