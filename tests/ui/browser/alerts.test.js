/** The list and the large view in a real browser. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { asked, emit, stage, violations } from "../support/browser.js";
import { alert, incident } from "../support/world.js";

const COUNTS = { unhandled: 3, unseen: 3, total: 11, cleared: 0, today: 8 };

/** @type {import("../support/browser.js").Stage} */
let set;
before(async () => void (set = await stage()));
after(() => set?.close());

test("an alert that arrives is the first row, with its picture and an accessible name", async () => {
  const page = await set.open("full");

  await arrive(page, "90");

  const row = page.locator("article.row").first();
  assert.equal(await row.getAttribute("data-key"), "90");
  assert.match((await row.getAttribute("aria-label")) ?? "", /^New, Aisle 3, Theft pattern, severity High, \d\d:\d\d, 1 picture, not handled yet$/);
  await page.waitForFunction(() => /** @type {HTMLImageElement} */ (document.querySelector("article.row img")).naturalWidth === 640);
});

test("an alert is seen at once: it waits for no frame, its picture is not put off, and nothing of it is faded in", async () => {
  const page = await set.open("full", { still: false });
  const at = await page.evaluate(() => Date.now());

  const seen = await page.evaluate(
    ({ event }) => {
      /** @type {any} */ (window).__mock.emit(event);
      const row = document.querySelector("article.row");
      const image = row?.querySelector("img");
      const opacities = [row, ...(row?.querySelectorAll("*") ?? [])].map((element) => element && getComputedStyle(element).opacity);
      return { key: row?.getAttribute("data-key"), loading: image?.loading, opacities: [...new Set(opacities)] };
    },
    { event: { type: "alert_added", incident: incident({ id: "90", first_at: at, last_at: at }), alert: alert({ id: "9000" }), counts: COUNTS } },
  );

  assert.deepEqual(seen, { key: "90", loading: "eager", opacities: ["1"] });
});

test("opening shows the picture as large as it fits and never larger than it is", async () => {
  for (const [width, height] of [[360, 740], [900, 640], [1280, 800], [2560, 1440]]) {
    const page = await set.open("full", { width: width ?? 0, height: height ?? 0 });

    await page.locator("article.row").first().click();
    await page.waitForSelector('[data-part="picture"]', { state: "visible" });
    const { picture, stage: stageBox } = await bounds(page);

    assert.ok(picture.width <= 640.5, `never upscaled at ${width}: ${picture.width}`);
    assert.ok(picture.width <= stageBox.width + 1 && picture.height <= stageBox.height + 1, `fits at ${width}`);
    assert.ok(picture.width > 638 || Math.abs(picture.width - stageBox.width) < 2 || Math.abs(picture.height - stageBox.height) < 2, `as large as it fits at ${width}`);
    assert.ok(Math.abs(picture.width / picture.height - 640 / 360) < 0.02, "not distorted");
  }
});

test("the box lies on the person, whatever the picture's size on the screen", async () => {
  // As it came, and made smaller on its way to the page: the box is in the pixels of what came.
  for (const [scale, name] of /** @type {const} */ ([[1, "as it came"], [2, "made smaller"], [6, "made much smaller"]])) {
    const page = await set.open("full", {
      change(world) {
        const [newest] = world.details["12"]?.alerts.slice(-1) ?? [];
        if (newest) newest.frame = { width: 640 * scale, height: 360 * scale, bytes: 90_000, bounding_box: [160 * scale, 90 * scale, 320 * scale, 180 * scale] };
      },
    });
    await page.locator("article.row").first().click();
    await page.waitForSelector('[data-part="box"]', { state: "visible" });

    for (const [width = 0, height = 0] of [[1280, 800], [360, 740], [640, 360], [2560, 1440]]) {
      await page.setViewportSize({ width, height });
      const { picture, box } = await bounds(page);

      const shares = [(box.x - picture.x) / picture.width, (box.y - picture.y) / picture.height, box.width / picture.width, box.height / picture.height];
      const off = shares.map((share, at) => Math.abs(share - (at < 2 ? 0.25 : 0.5)));
      assert.ok(picture.width > 60 && off.every((far) => far < 0.01), `${name}, ${width} x ${height}: ${shares}`);
    }
  }
});

test("a picture that is gone says so, and one that never was says why", async () => {
  const page = await set.open("full", {
    change(world) {
      const detail = world.details["13"];
      if (detail) detail.alerts = [alert({ id: "1399" })];
    },
  });

  await page.locator("article.row").nth(1).click();
  await page.getByText("The picture is no longer kept on this computer.").waitFor();
  await page.locator("article.row").nth(5).click();
  await page.getByText("The picture was damaged on the way.").waitFor();

  assert.equal(await page.locator('[data-part="picture"]').isVisible(), false);
});

test("case 39: a picture that cannot be shown says why, and one that was changed says what", async () => {
  const page = await set.open("full", {
    change(world) {
      const [detail, other] = [world.details["13"], world.details["12"]];
      if (detail) detail.alerts = [alert({ id: "1399", frame_problem: "No picture: the picture is damaged." })];
      if (other) other.alerts = other.alerts.map((alert) => ({ ...alert, frame_problem: "About this picture: it was over 8 MiB." }));
    },
  });

  await page.locator("article.row").nth(1).click();
  await page.getByText("No picture: the picture is damaged.").waitFor();
  assert.equal(await page.locator('[data-part="picture"]').isVisible(), false);

  await page.locator("article.row").first().click();
  await page.getByText("About this picture: it was over 8 MiB.").waitFor();
  assert.equal(await page.locator('[data-part="picture"]').isVisible(), true);
});

test("acknowledging is shown as sending, then as recorded, and never before it is", async () => {
  const page = await set.open("full", { prepare: (page) => page.addInitScript(() => Object.assign(window, { __silent: true })) });
  await page.locator("article.row").first().click();

  await page.getByRole("button", { name: "Acknowledge" }).click();
  await page.locator('article[data-key="13"][aria-current]').waitFor();
  await page.locator('article[data-key="12"]').click();
  await page.getByText("Sending…", { exact: true }).first().waitFor();
  const early = await page.locator('[data-part="actions"]').innerText();
  const item = incident({ id: "12", handling: { state: "recorded", decision: "acknowledged", here: true, at: Date.now() } });
  await emit(page, { type: "incident_changed", incident: item, counts: COUNTS });

  await page.getByText(/^You have it since \d\d:\d\d$/).waitFor();
  assert.doesNotMatch(early, /Acknowledged/);
  assert.deepEqual(await asked(page, "decide"), [{ incident: "12", decision: "acknowledged", note: null }]);
});

test("a decision that is refused says why and leaves the buttons", async () => {
  const page = await set.open("full");
  await page.evaluate(() => {
    /** @type {any} */ (window).__mock.answers.decide = () => {
      throw { code: "not_stored", sentence: "This could not be stored on this computer.", field: null };
    };
  });
  await page.locator("article.row").first().click();

  await page.getByRole("button", { name: "False alarm" }).click();

  await page.locator('[data-part="handling-words"]').getByText("This could not be stored on this computer.").first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Acknowledge" }).getAttribute("aria-disabled"), null);
});

test("offline, a decision is kept and says so", async () => {
  const page = await set.open("offline", { prepare: (page) => page.addInitScript(() => Object.assign(window, { __silent: true })) });
  await page.locator("article.row").first().click();

  await page.getByRole("button", { name: "Acknowledge" }).click();
  await page.locator('article[data-key="13"][aria-current]').waitFor();
  await page.locator('article[data-key="12"]').click();

  await page.getByText("Kept on this computer. It is sent as soon as the server can be reached.").waitFor();
});

test("the mark of a new alert goes only after its picture was in sight for a second", async () => {
  const page = await set.open("full");

  await page.locator("article.row").first().click();
  await page.waitForTimeout(200);
  await page.keyboard.press("Escape");
  await page.waitForTimeout(1_300);
  const glanced = await asked(page, "seen");
  await page.locator("article.row").first().click();
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("seen").length === 1);

  assert.deepEqual(glanced, []);
  assert.deepEqual(await asked(page, "seen"), [{ incident: "12" }]);
});

test("the program is told which alert is open in a window in front, and when it is no more", async () => {
  const page = await set.open("full");

  await page.locator("article.row").first().click();
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("looks").length === 1);
  await page.evaluate(() => {
    Object.defineProperty(document, "hasFocus", { value: () => false, configurable: true });
    dispatchEvent(new Event("blur"));
  });
  await page.evaluate(() => {
    Object.defineProperty(document, "hasFocus", { value: () => true, configurable: true });
    dispatchEvent(new Event("focus"));
  });
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("looks").length === 4);

  const told = await asked(page, "looks");
  assert.deepEqual(told, [{ incident: "12" }, { incident: null }, { incident: "12" }, { incident: null }]);
});

test("a blurred picture counts as seen only once it is shown clearly", async () => {
  const page = await set.open("blur");
  await page.locator("article.row").first().focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector('[data-part="picture"]', { state: "visible" });
  await page.waitForTimeout(1_300);
  const blurred = await page.evaluate(() => getComputedStyle(/** @type {Element} */ (document.querySelector(".picture img"))).filter);
  const before = await asked(page, "seen");

  await page.getByRole("button", { name: "Show clearly" }).press("Space");
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("seen").length === 1);

  assert.match(blurred, /blur/);
  assert.deepEqual(before, []);
  assert.equal(await page.evaluate(() => getComputedStyle(/** @type {Element} */ (document.querySelector(".picture img"))).filter), "none");
});

test("a note goes with the decision and is shown with the alert", async () => {
  const page = await set.open("full");
  await page.locator("article.row").first().click();

  await page.getByRole("button", { name: "Note", exact: true }).press("Enter");
  await page.waitForFunction(() => document.activeElement?.matches('[name="note"]'));
  await page.keyboard.type("She came back & paid <b>", { delay: 60 });
  await page.keyboard.press("Enter");
  await page.waitForTimeout(250);
  const early = await asked(page, "decide");
  await page.getByRole("button", { name: "Resolved" }).click();
  await page.locator('article[data-key="13"][aria-current]').waitFor();
  await page.locator('article[data-key="12"]').click();
  await page.getByRole("definition").getByText("She came back & paid <b>").waitFor();

  assert.deepEqual(early, [], "Enter in the note decides nothing");
  assert.deepEqual(await asked(page, "decide"), [{ incident: "12", decision: "resolved", note: "She came back & paid <b>" }]);
  await page.getByText(/^Resolved by you, \d\d:\d\d$/).waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Note" }).isVisible(), false);
  for (const name of ["Acknowledge", "False alarm", "Marked as resolved"]) {
    assert.equal(await page.getByRole("button", { name, exact: true }).getAttribute("aria-disabled"), "true", name);
  }
  assert.equal(await page.getByRole("button", { name: "Note", exact: true }).getAttribute("aria-disabled"), null, "there may be more to write");
});

test("a note is not lost with a decision that could not be stored, and belongs to one alert", async () => {
  const page = await set.open("full");
  await page.evaluate(() => {
    /** @type {any} */ (window).__mock.answers.decide = () => {
      throw { code: "not_stored", sentence: "This could not be stored on this computer.", field: null };
    };
  });
  const field = page.getByRole("textbox", { name: "Note" });
  const toggle = page.getByRole("button", { name: "Note", exact: true });
  await page.locator("article.row").first().click();
  await toggle.click();
  await field.fill("Called the police");

  await page.getByRole("button", { name: "Acknowledge" }).click();
  await page.locator('[data-part="handling-words"]').getByText("This could not be stored on this computer.").first().waitFor();
  const kept = await field.inputValue();
  await page.locator("article.row").nth(1).click();
  await page.getByText("Till 1, Main Street", { exact: false }).waitFor();

  assert.equal(kept, "Called the police");
  assert.equal(await field.isVisible(), false);
  assert.equal(await page.locator('[name="note"]').inputValue(), "");
  await toggle.click();
  await page.keyboard.press("Escape");
  assert.equal(await toggle.getAttribute("aria-expanded"), "false");
  assert.equal(await page.locator('[data-part="detail"]').isVisible(), true, "Escape closes the note alone");
});

test("what somebody else decided first is shown, and that ours was not sent", async () => {
  const page = await set.open("full", { prepare: (page) => page.addInitScript(() => Object.assign(window, { __silent: true })) });
  await page.locator("article.row").first().click();
  await page.getByRole("button", { name: "Acknowledge" }).click();
  await page.locator('article[data-key="13"][aria-current]').waitFor();
  await page.locator('article[data-key="12"]').click();
  await page.getByText("Sending…", { exact: true }).first().waitFor();

  const theirs = incident({ id: "12", handling: { state: "recorded", decision: "resolved", here: false, at: Date.now() } });
  await emit(page, { type: "incident_changed", incident: theirs, counts: COUNTS });

  await page.getByText(/^Resolved elsewhere, \d\d:\d\d\. Somebody else was first, so your “Acknowledged” was not sent\.$/).waitFor();
  assert.equal(await page.locator('[data-part="say"]').innerText(), "Not sent: Aisle 3. Somebody else decided first.");
  assert.match((await page.locator("article.row").first().getAttribute("aria-label")) ?? "", /Resolved elsewhere$/);
});

test("clearing one takes the row away and hands the focus to its neighbour", async () => {
  const page = await set.open("full");
  await page.locator("article.row").first().click();
  const offered = await page.locator('[data-part="dismiss"]').isVisible();
  await page.locator('article[data-key="14"]').click();
  const next = await page.locator('article[data-key="14"] + article').getAttribute("data-key");

  await page.locator('[data-part="dismiss"]').click();
  await page.waitForFunction(() => document.querySelector('article[data-key="14"]') === null);

  assert.equal(offered, false, "what nobody decided on stays in view");
  assert.deepEqual(await asked(page, "dismiss"), [{ incident: "14" }]);
  assert.equal(await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).dataset.key), next);
});

test("clearing takes only what is handled, and it can be brought back at once or later", async () => {
  const page = await set.open("full");
  const rows = () => page.locator("article.row").count();
  const all = await rows();

  await page.getByRole("button", { name: "Clear handled" }).click();
  await page.getByText("alerts cleared").waitFor();
  const left = await page.locator("article.row").evaluateAll((found) => found.map((row) => /** @type {HTMLElement} */ (row).dataset.key));
  await page.getByRole("button", { name: "Bring back" }).click();
  await page.waitForFunction((count) => document.querySelectorAll("article.row").length === count, all);

  assert.ok(left.includes("12") && left.includes("17"), "what is open and what was refused stays");
  assert.ok(!left.includes("14"), "what is handled goes");
  assert.equal((await asked(page, "clear"))[0].query.filter, "all");
  assert.deepEqual(await asked(page, "bring_back"), [{ what: { which: "cleared_at", at: 1_763_600_000_123 } }]);
  assert.equal(await page.locator('[data-part="undo"]').isVisible(), false);
});

test("what is cleared has a list of its own, from where it comes back", async () => {
  const page = await set.open("full");
  assert.equal(await page.locator('[data-filter="cleared"]').isVisible(), false);
  await page.getByRole("button", { name: "Clear handled" }).click();

  await page.getByRole("button", { name: /^Cleared/ }).click();
  await page.locator('article[data-key="14"]').click();
  await page.locator('[data-part="dismiss"]', { hasText: "Bring back" }).click();
  await page.getByRole("button", { name: "Bring all back" }).waitFor();
  await page.getByRole("button", { name: "Bring all back" }).click();
  await page.getByText("Nothing is cleared from view.").waitFor();

  const [one, all] = await asked(page, "bring_back");
  assert.deepEqual(one, { what: { which: "one", incident: "14" } });
  assert.equal(all.what.which, "listed");
});

test("a decision can be taken back while it is held, and its alert opens again", async () => {
  const page = await set.open("full");
  await page.evaluate(() => void (/** @type {any} */ (window).__undo = 60_000));
  await page.locator('article[data-key="12"]').click();
  await page.locator('[data-part="resolve"]').click();
  await page.getByText("Resolved: ").waitFor();
  const followed = await page.locator('article[aria-current="true"]').getAttribute("data-key");

  await page.getByRole("button", { name: "Undo" }).click();
  await page.waitForFunction(() => document.querySelector('article[data-key="12"]')?.getAttribute("aria-current") === "true");

  assert.notEqual(followed, "12");
  assert.deepEqual(await asked(page, "undo"), [{ incident: "12" }]);
  await page.locator('[data-part="undo"]').waitFor({ state: "hidden" });
  assert.equal(await page.locator('[data-part="acknowledge"]').getAttribute("aria-disabled"), null);
});

test("an alert is saved for others, and where is said; a failure says why, and neither is said of another", async () => {
  const page = await set.open("full");
  await page.locator('article[data-key="12"]').click();
  await page.getByRole("button", { name: "Save evidence" }).click();
  await page.locator('[data-part="evidence"]').filter({ hasText: "Saved in /home/maria/Downloads/" }).waitFor();

  await page.locator('article[data-key="13"]').click();
  await page.locator('article[data-key="13"][aria-current]').waitFor();
  const ofAnother = await page.locator('[data-part="evidence"]').isVisible();
  await page.evaluate(() => {
    /** @type {any} */ (window).__mock.answers.save_evidence = () => {
      throw { code: "evidence_unwritable", sentence: "The evidence could not be saved. The disk is full.", field: null };
    };
  });
  await page.getByRole("button", { name: "Save evidence" }).click();
  await page.locator('[data-part="evidence"]').filter({ hasText: "The disk is full." }).waitFor();

  assert.equal(ofAnother, false);
  assert.deepEqual(await asked(page, "save_evidence"), [{ incident: "12" }, { incident: "13" }]);
});

test("a camera is snoozed until the shop closes, or opens, with what for", async () => {
  for (const open of [true, false]) {
    const page = await set.open("full", {
      change: (world) => {
        if (world.snapshot) world.snapshot.hours = { open, until: Date.now() + 3_600_000 };
      },
    });
    await page.locator("article.row").first().click();
    await page.getByRole("button", { name: "Snooze", exact: true }).click();
    await page.getByRole("textbox", { name: "What for (optional)" }).fill(" New shelves ");

    await page.getByRole("button", { name: open ? /^Until closing, \d\d:\d\d$/ : /^Until opening, \d\d:\d\d$/ }).click();
    const line = page.locator('[data-part="snoozes"] li');
    await line.waitFor();

    assert.match((await line.textContent()) ?? "", /Snoozed until \d\d:\d\d, by Maria Keller\s*New shelves/);
    assert.deepEqual(await asked(page, "snooze"), [{ incident: "12", length: open ? "closing" : "opening", why: "New shelves" }]);
  }
});

test("an opening that is more than a day away is no end of a snooze", async () => {
  const page = await set.open("full", {
    change: (world) => {
      if (world.snapshot) world.snapshot.hours = { open: false, until: Date.now() + 30 * 3_600_000 };
    },
  });
  await page.locator("article.row").first().click();

  await page.getByRole("button", { name: "Snooze", exact: true }).click();
  await page.getByRole("button", { name: "60 min" }).waitFor();

  assert.equal(await page.locator('[data-part="snooze-until"]').isVisible(), false);
});

test("a camera is snoozed, for longer, and no more", async () => {
  const page = await set.open("full");
  await page.locator('article[data-key="12"]').click();

  await page.getByRole("button", { name: "Snooze", exact: true }).click();
  await page.getByRole("button", { name: "60 min" }).click();
  const line = page.locator('[data-part="snoozes"] li');
  await line.waitFor();
  const until = await line.textContent();
  const told = await page.locator('[data-part="snooze-toggle"]').textContent();
  await page.getByRole("button", { name: "15 min more" }).click();
  await page.waitForFunction((before) => document.querySelector('[data-part="snoozes"] li')?.textContent !== before, until);
  await page.getByRole("button", { name: "end the snooze" }).click();
  await line.waitFor({ state: "detached" });

  assert.match(told ?? "", /Snoozed until \d\d:\d\d/);
  assert.match(until ?? "", /Aisle 3.*Snoozed until \d\d:\d\d, by Maria Keller/s);
  assert.deepEqual(await asked(page, "snooze"), [{ incident: "12", length: { minutes: 60 }, why: null }]);
  assert.equal((await asked(page, "extend_snooze"))[0].minutes, 15);
  assert.equal((await asked(page, "end_snooze")).length, 1);
  assert.equal(await page.locator('[data-part="snoozes"]').isVisible(), false);
  assert.equal(await page.locator('[data-part="snooze-choices"]').isVisible(), false);
});

test("once its time is over a decision is no longer offered to be taken back", async () => {
  const page = await set.open("full");
  await page.evaluate(() => Object.assign(window, { __undo: 1_500, __silent: true }));
  await page.locator('article[data-key="12"]').click();

  await page.locator('[data-part="resolve"]').click();
  await page.getByText("Resolved: ").waitFor();
  await page.locator('[data-part="undo"]').waitFor({ state: "hidden" });

  assert.deepEqual(await asked(page, "undo"), []);
});

test("filter and search ask the program, and say when nothing is found", async () => {
  const page = await set.open("full");

  await page.getByRole("button", { name: /^Not handled/ }).click();
  await page.waitForFunction(() => document.querySelectorAll("article.row").length === 3);
  await page.getByRole("searchbox").fill("bakery");
  await page.getByText("Nothing matches “bakery”.").waitFor();
  await page.getByRole("button", { name: "Clear the search" }).click();
  await page.waitForFunction(() => document.querySelectorAll("article.row").length === 3);

  const queries = (await asked(page, "feed")).map(({ query }) => [query.filter, query.search, query.before]);
  assert.deepEqual(queries, [["unhandled", "", null], ["unhandled", "bakery", null], ["unhandled", "", null]]);
  assert.equal(await page.getByRole("searchbox").inputValue(), "");
});

test("text from the outside stays text", async () => {
  const evil = [
    "<img src=x onerror=\"document.title='owned'\">",
    "</title><svg onload=alert(1)>",
    "{{7*7}}",
    "a\u202Eexe.gpj",
    `z${"\u0300".repeat(1_000)}`,
    "javascript:alert(1)",
    "&lt;b&gt; & <",
  ];
  const page = await set.open("full", {
    change(world) {
      world.snapshot?.feed.items.forEach((item, n) => {
        if (item.type !== "incident") item.sentence = evil[0] ?? "";
        else Object.assign(item, { camera: evil[n % evil.length], shop: evil[0], person: evil[1], why: evil[2] });
      });
      const detail = world.details["12"];
      if (detail) Object.assign(detail, { incident: { ...detail.incident, camera: evil[0], shop: evil[1], why: evil[0] }, text: evil.join(" ") });
      if (world.snapshot) {
        world.snapshot.status.sentence = evil[0] ?? "";
        world.snapshot.notices = [{ code: "x", sentence: evil[1] ?? "", closable: false }];
      }
    },
  });

  await page.locator("article.row").first().click();
  await page.getByText("{{7*7}}").first().waitFor();
  await page.getByText(evil[0] ?? "", { exact: true }).first().waitFor();

  assert.equal(await page.locator('img[src="x"], svg[onload], b:has-text("gt")').count(), 0);
  assert.deepEqual(await violations(page), []);
  assert.match(await page.title(), /VisionGuard$/);
  const box = await page.locator("article.row").nth(4).boundingBox();
  assert.ok(box && box.height < 170, "a heap of marks does not grow its row");
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
});

test("a notification that was clicked opens its alert, also when it is not in the list", async () => {
  const page = await set.open("full", {
    change(world) {
      const item = incident({ id: "77", camera: "Roof" });
      world.details["77"] = { incident: item, alerts: [alert({ id: "7700" })], note: null, note_waits: false, notes: [], text: null };
    },
  });
  await page.getByRole("button", { name: "Settings" }).click();

  await emit(page, { type: "open", incident: "77" });

  await page.getByText("Roof, Main Street", { exact: false }).waitFor();
  await page.waitForFunction(() => /** @type {HTMLImageElement} */ (document.querySelector(".picture img")).naturalWidth === 640);
});

/** @param {import("playwright-core").Page} page @param {string} id */
async function arrive(page, id) {
  const at = await page.evaluate(() => Date.now());
  await emit(page, { type: "alert_added", incident: incident({ id, first_at: at, last_at: at }), alert: alert({ id: `${id}00` }), counts: COUNTS });
  await page.waitForSelector(`article[data-key="${id}"]`);
}

/** Where the picture and its box are, at one and the same moment. @param {import("playwright-core").Page} page */
function bounds(page) {
  return page.evaluate(() => {
    const [picture, box, stage] = ["picture", "box", "stage"].map((name) => document.querySelector(`[data-part="${name}"]`)?.getBoundingClientRect().toJSON());
    return { picture, box, stage };
  });
}

test("the list is on the left of what is opened from it", async () => {
  const page = await set.open("full", { width: 1180, height: 760 });
  const left = (/** @type {string} */ part) => page.locator(`[data-part="${part}"]`).evaluate((element) => element.getBoundingClientRect().left);

  assert.equal(await left("feed"), 0);
  assert.ok((await left("pane")) >= 320);
});
