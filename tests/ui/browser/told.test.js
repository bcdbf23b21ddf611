/** What the page says of late alerts, of the record's way and of notifications, in a real browser. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { asked, emit, stage } from "../support/browser.js";
import { withoutButtons } from "../support/views.js";
import { alert, detail, incident, world } from "../support/world.js";

const COUNTS = { unhandled: 3, unseen: 3, total: 11, cleared: 0, today: 8 };
const NOW = new Date("2025-11-21T14:03:23+01:00").getTime();
const MINUTE = 60_000;

/** @type {import("../support/browser.js").Stage} */
let set;
before(async () => void (set = await stage()));
after(() => set?.close());

test("case_07_an_alert_that_came_live_but_late_says_when_it_happened", async () => {
  const page = await set.open("full", { now: NOW, prepare: (page) => page.clock.install({ time: NOW }) });
  const item = incident({ id: "90", first_at: NOW, last_at: NOW, late: { from: NOW - 9 * MINUTE, to: NOW - 9 * MINUTE, sentence: "Came late, 9 min 0 s." } });

  await emit(page, { type: "alert_added", incident: item, alert: alert({ id: "9000" }), counts: COUNTS });
  const row = page.locator('article[data-key="90"]');
  await row.waitFor();

  assert.equal(await row.locator("time").innerText(), "13:54");
  assert.equal(await row.getByText("Came late, 9 min 0 s.").isVisible(), true);
  assert.match((await row.getAttribute("aria-label")) ?? "", /, 13:54, Came late, 9 min 0 s, 1 picture, /);
  assert.equal(await page.locator('[data-part="say"]').innerText(), "New alert: Theft pattern, Aisle 3, High. Came late, 9 min 0 s.");
  assert.equal(await page.locator("article.row").first().getAttribute("data-key"), "90", "it is the newest that came");
});

test("case_07_a_row_of_another_day_than_it_stands_under_says_its_day", async () => {
  const page = await set.open("full", { now: NOW, prepare: (page) => page.clock.install({ time: NOW }) });
  const late = { from: NOW - 15 * 60 * MINUTE, to: NOW - 14 * 60 * MINUTE, sentence: "Came late, 15 h 0 min." };

  await emit(page, { type: "alert_added", incident: incident({ id: "90", first_at: NOW, last_at: NOW, late }), alert: alert({ id: "9000" }), counts: COUNTS });

  await page.locator('article[data-key="90"] time').getByText("20 Nov, 23:03–00:03").waitFor();
});

test("case_07_the_large_view_keeps_both_times_and_counts_the_age_from_the_detection", async () => {
  const page = await set.open("full", {
    now: NOW,
    prepare: (page) => page.clock.install({ time: NOW }),
    change(world) {
      const by = 9 * MINUTE;
      const item = incident({ id: "12", first_at: NOW - MINUTE, last_at: NOW - MINUTE, late: { from: NOW - MINUTE - by, to: NOW - MINUTE - by, sentence: "Came late, 9 min 0 s." } });
      const told = detail(item);
      told.alerts = [alert({ id: "1200", detected_at: NOW - MINUTE - by, received_at: NOW - MINUTE })];
      world.details["12"] = told;
    },
  });

  await page.locator("article.row").first().click();
  await page.locator('[data-part="place"]').getByText("Aisle 3, Main Street · 13:53:23 · Came late, 9 min 0 s · 1 picture").waitFor();

  assert.equal(await page.locator('[data-part="age"]').innerText(), "10 min ago");
  const facts = await page.locator(".fact").allInnerTexts();
  assert.deepEqual(facts.map((fact) => fact.replace(/\s+/g, " ")).slice(1, 4), ["Detected 13:53:23", "Received 14:02:23", "Delay 9 min"]);
});

test("protected by the record is a good state that says its way, at every size", async () => {
  const page = await set.open("full");
  const status = world("by_record", Date.now()).snapshot?.status;
  assert.ok(status);

  await emit(page, { type: "status", status });
  await page.getByText(/which is read every 15 seconds/).first().waitFor();

  const bar = page.locator(".status");
  const colours = await page.evaluate(() => {
    const of = (/** @type {string} */ token) => {
      const probe = document.body.appendChild(document.createElement("i"));
      probe.style.color = `var(${token})`;
      const found = getComputedStyle(probe).color;
      probe.remove();
      return found;
    };
    return { word: getComputedStyle(/** @type {Element} */ (document.querySelector(".status-word"))).color, ok: of("--ok") };
  });
  assert.equal(colours.word, colours.ok);
  assert.equal(await bar.getByText("Protected", { exact: true }).isVisible(), true);
  assert.equal(await bar.getByRole("button", { name: "Retry now" }).isVisible(), false);
  assert.equal(await page.locator('[data-part="alarm"]').innerText(), "");
  assert.match(await page.locator('[data-part="overview-sentence"]').innerText(), /Protected since .*read every 15 seconds\.$/);
  for (const [width = 0, height = 0] of [[1280, 800], [640, 360], [360, 740], [320, 480]]) {
    await page.setViewportSize({ width, height });
    assert.equal(await bar.getByText(/which is read every 15 seconds/).isVisible(), true, `${width} x ${height}`);
  }
});

test("case_62_the_settings_say_what_notifications_can_do_and_follow_whoever_shows_them", async () => {
  const page = await set.open("full", { change: withoutButtons });
  await page.getByRole("button", { name: "Settings" }).click();
  const told = page.locator('[data-part="popups"]');
  await told.getByText("They have no buttons", { exact: false }).waitFor();
  assert.match(await told.innerText(), /dunstctl context acknowledges without the window, and so does visionguard acknowledge\.$/);

  await emit(page, { type: "popups", popups: { buttons: true, sentence: "Notifications are shown by Xfce Notify Daemon 0.7.3. They have buttons to acknowledge, to view and to snooze." } });

  await told.getByText("They have buttons to acknowledge, to view and to snooze.", { exact: false }).waitFor();
});

test("case_62_nothing_is_said_of_notifications_before_it_is_known", async () => {
  const page = await set.open("full", { change: ({ snapshot }) => void (snapshot && (snapshot.popups = null)) });

  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("heading", { name: "Settings" }).waitFor();

  assert.equal(await page.locator('[data-part="popups"]').isVisible(), false);
});

test("a remark about what happened can be closed, and one about how things stand cannot", async () => {
  const page = await set.open("full", {
    change({ snapshot }) {
      if (!snapshot) return;
      snapshot.notices = [
        { code: "journal_set_aside", sentence: "Stored alerts were damaged and set aside.", closable: true },
        { code: "insecure_server", sentence: "The connection is not encrypted.", closable: false },
      ];
    },
  });
  const standing = page.locator(".notice").filter({ hasText: "not encrypted" });

  const closes = await standing.getByRole("button").isVisible();
  await page.locator(".notice").filter({ hasText: "set aside" }).getByRole("button").click();
  await page.locator(".notice").filter({ hasText: "set aside" }).waitFor({ state: "detached" });

  assert.equal(closes, false);
  assert.deepEqual(await asked(page, "close_notice"), [{ code: "journal_set_aside" }]);
  assert.equal(await standing.isVisible(), true);
});
