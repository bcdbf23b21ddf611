/** What is true of the whole page in a real browser: policy, names, contrast, sizes, a storm. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { asked, emit, stage, violations } from "../support/browser.js";
import { contrast } from "../support/contrast.js";
import { ROOT } from "../support/server.js";
import { alert, incident, world } from "../support/world.js";

const COUNTS = { unhandled: 3, unseen: 3, total: 11, cleared: 0, today: 8 };
const SCENARIOS = /** @type {const} */ (["full", "empty", "quiet", "offline", "catching_up", "deaf", "signed_out", "sign_in", "storm", "blur"]);

/** @type {import("../support/browser.js").Stage} */
let set;
before(async () => void (set = await stage()));
after(() => set?.close());

test("no view breaks the content security policy or throws", async () => {
  for (const scenario of SCENARIOS) {
    const page = await set.open(scenario);
    const steps = [
      () => page.locator("article.row").first().click(),
      () => page.getByRole("banner").getByRole("button", { name: "Report" }).click(),
      () => page.getByRole("button", { name: "Back" }).click(),
      () => page.getByRole("button", { name: "Settings" }).click(),
    ];
    for (const step of steps) {
      if (scenario !== "sign_in" && scenario !== "empty") await step();
      await page.waitForTimeout(50);
    }

    assert.deepEqual(await violations(page), [], scenario);
  }
});

test("the page has no script, style or handler in its markup", async () => {
  const html = await readFile(join(ROOT, "ui", "index.html"), "utf8");

  assert.doesNotMatch(html, /\sstyle=|\son[a-z]+=|<style|<script(?![^>]*\ssrc=)/i);
});

test("everything that can be used has a name", async () => {
  const roles = ["button", "textbox", "searchbox", "switch", "radio", "spinbutton", "article", "image", "img", "heading", "feed", "group", "checkbox", "combobox", "table", "columnheader", "radiogroup", "Date", "InputTime"];
  for (const scenario of SCENARIOS) {
    const page = await set.open(scenario);
    const session = await page.context().newCDPSession(page);
    const nameless = async () => {
      const { nodes } = /** @type {any} */ (await session.send("Accessibility.getFullAXTree"));
      return nodes
        .filter((/** @type {any} */ node) => !node.ignored && roles.includes(node.role?.value) && !node.name?.value)
        .map((/** @type {any} */ node) => node.role.value)
        .filter((/** @type {string} */ role) => role !== "image" && role !== "img");
    };

    assert.deepEqual(await nameless(), [], scenario);
    if (await page.locator("article.row").count()) await page.locator("article.row").first().click();
    await page.waitForTimeout(100);
    assert.deepEqual(await nameless(), [], `${scenario}, opened`);
    for (const place of ["report", "settings"]) {
      const button = page.locator(`.status [data-part="${place}"]`);
      if (!(await button.isVisible())) continue;
      await button.click();
      if (place === "report") await page.getByRole("radio", { name: "From–to" }).check({ force: true });
      await page.waitForTimeout(100);
      assert.deepEqual(await nameless(), [], `${scenario}, ${place}`);
      await page.keyboard.press("Escape");
    }
  }
});

test("text stands out from what it is on, in light and dark", async () => {
  const on = /** @type {Record<string, string[]>} */ ({
    "--text-1": ["--surface-0", "--surface-1", "--surface-2", "--amber-soft", "--high-soft", "--stage"],
    "--text-2": ["--surface-0", "--surface-1", "--surface-2", "--amber-soft", "--high-soft", "--stage"],
    "--on-accent": ["--accent", "--accent-press"],
    "--high": ["--surface-0", "--surface-1", "--surface-2", "--high-soft"],
    "--amber": ["--surface-0", "--surface-1", "--surface-2", "--amber-soft"],
    "--ok": ["--surface-0", "--surface-1", "--surface-2"],
  });
  for (const scheme of /** @type {const} */ (["light", "dark"])) {
    const page = await set.open("full", { scheme });
    const colour = (/** @type {string} */ token) =>
      page.evaluate((token) => {
        const probe = document.body.appendChild(document.createElement("i"));
        probe.style.color = `var(${token})`;
        const found = getComputedStyle(probe).color.match(/\d+(\.\d+)?/g)?.map(Number) ?? [];
        probe.remove();
        return found;
      }, token);

    for (const [text, surfaces] of Object.entries(on)) {
      for (const surface of surfaces) {
        const ratio = contrast(await colour(text), await colour(surface));
        assert.ok(ratio >= 4.5, `${scheme}: ${text} on ${surface} is ${ratio.toFixed(2)}`);
      }
    }
    for (const token of ["--edge", "--accent"]) {
      const ratio = contrast(await colour(token), await colour("--surface-1"));
      assert.ok(ratio >= 3, `${scheme}: ${token} is ${ratio.toFixed(2)}`);
    }
  }
});

test("the theme of the settings overrules the system's", async () => {
  const page = await set.open("full", { scheme: "light", change: (world) => world.snapshot && (world.snapshot.settings.theme = "dark") });

  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor), "rgb(14, 17, 21)");
});

test("nothing sticks out and every target is large enough, from 360 px to 4K and at twice the size", async () => {
  const sizes = [[360, 740], [640, 400], [719, 600], [720, 600], [900, 640], [1280, 800], [3840, 2160]];
  for (const scenario of /** @type {const} */ (["full", "deaf", "sign_in", "empty"])) {
    const page = await set.open(scenario);
    const rows = await page.locator("article.row").count();
    for (const step of ["list", "detail", "note", "report", "range", "settings"]) {
      const button = page.locator(`.status [data-part="${step}"]`);
      if (step === "detail" && rows > 0) await page.locator("article.row").first().click();
      if (step === "note" && rows > 0) await page.locator('[data-part="note-toggle"]').click();
      if (step === "settings") await page.keyboard.press("Escape");
      if (["report", "settings"].includes(step) && (await button.isVisible())) await button.click();
      if (step === "range" && scenario !== "sign_in") await page.getByRole("radio", { name: "From–to" }).check({ force: true });
      for (const [width = 0, height = 0] of sizes) {
        await page.setViewportSize({ width, height });
        const found = await page.evaluate(() => {
          const small = [...document.querySelectorAll("button, .setting, .choices label, .tab, .chip, .check label, .text")]
            .filter((element) => element.checkVisibility())
            .map((element) => ({ name: element.textContent?.trim() || element.getAttribute("aria-label"), height: element.getBoundingClientRect().height }))
            .filter(({ height }) => height < 39.5);
          const sheet = document.querySelector(".sheet:not([hidden])");
          const over = sheet === null ? 0 : sheet.scrollWidth - sheet.clientWidth;
          return { small, wide: Math.max(over, document.documentElement.scrollWidth - innerWidth) };
        });

        assert.deepEqual(found, { small: [], wide: 0 }, `${scenario}, ${step}, ${width} x ${height}`);
      }
    }
  }
});

test("a thousand events take one frame, and are at most 300 rows", async () => {
  const page = await set.open("full");
  const first = await page.locator("article.row").first().elementHandle();
  const at = Date.now();
  const storm = Array.from({ length: 1_000 }, (_, n) => ({
    type: "alert_added",
    incident: incident({ id: String(3_000 + Math.floor(n / 2)), first_at: at + n, last_at: at + n, alerts: 1 + (n % 2) }),
    alert: alert({ id: String(900_000 + n) }),
    counts: { ...COUNTS, total: 11 + n },
  }));

  const frames = await page.evaluate(async (storm) => {
    const ask = window.requestAnimationFrame.bind(window);
    let frames = 0;
    window.requestAnimationFrame = (callback) => ((frames += 1), ask(callback));
    for (const event of storm) /** @type {any} */ (window).__mock.emit(event);
    window.requestAnimationFrame = ask;
    await new Promise((painted) => ask(() => ask(() => painted(null))));
    return frames;
  }, storm);

  assert.equal(frames, 1);
  const rows = await page.locator("article.row").count();
  assert.ok(rows <= 300, `${rows} rows`);
  assert.equal(await page.locator("article.row").first().getAttribute("data-key"), "3499");
  assert.equal(await page.locator('[data-part="total"]').innerText(), "1,010");
  assert.equal(await first?.evaluate((row) => row.isConnected), false, "older rows left the document");
  assert.deepEqual(await violations(page), []);
});

test("rows that stay are the same elements, whatever arrives", async () => {
  const page = await set.open("full");
  await page.evaluate(() => Object.assign(window, { __third: document.querySelectorAll("article.row")[2] }));

  for (let n = 0; n < 30; n += 1) {
    const at = Date.now() + n;
    await emit(page, { type: "alert_added", incident: incident({ id: String(800 + n), first_at: at, last_at: at }), alert: alert({ id: `${800 + n}00` }), counts: COUNTS });
  }
  await page.waitForFunction(() => document.querySelectorAll("article.row").length === 41);

  assert.equal(await page.evaluate(() => document.querySelectorAll("article.row")[32] === /** @type {any} */ (window).__third), true);
});

test("a storm is announced as a count, in one place", async () => {
  const page = await set.open("full");
  const said = () => page.locator('[data-part="say"]').innerText();
  const at = Date.now();

  for (let n = 0; n < 5; n += 1) {
    await emit(page, { type: "alert_added", incident: incident({ id: String(700 + n), first_at: at + n, last_at: at + n }), alert: alert({ id: `${700 + n}00` }), counts: COUNTS });
  }
  const first = await said();
  await page.waitForFunction(() => document.querySelector('[data-part="say"]')?.textContent === "4 new alerts.");

  assert.equal(first, "New alert: Theft pattern, Aisle 3, High.");
  assert.equal(await page.locator('[role="feed"][aria-live], [role="feed"] [role="status"]').count(), 0);
});

test("deaf and signed out interrupt, and a good turn takes it back", async () => {
  const page = await set.open("full");
  const status = async (/** @type {"deaf" | "full"} */ scenario) => {
    const view = world(scenario, Date.now()).snapshot?.status;
    assert.ok(view);
    await emit(page, { type: "status", status: view });
  };

  await status("deaf");
  const alarmed = await page.locator('[data-part="alarm"]').innerText();
  await status("full");

  assert.match(alarmed, /^Not receiving\. /);
  assert.equal(await page.locator('[data-part="alarm"]').innerText(), "");
  assert.match(await page.locator('[data-part="say"]').innerText(), /^Protected\. /);
});

test("ages and countdowns go on by themselves, and nothing else is painted", async () => {
  const now = new Date("2025-11-21T13:03:23Z");
  const page = await set.open("offline", { now: now.getTime(), prepare: (page) => page.clock.install({ time: now }) });
  // However long it took to load.
  const at = (await page.evaluate(() => Date.now())) + 10_000;
  await page.clock.pauseAt(new Date(at));
  const status = await page.evaluate(() => /** @type {any} */ (window).__world.snapshot.status);
  await emit(page, { type: "status", status: { ...status, next_attempt_at: at + 10_000 } });
  await page.evaluate(() => {
    const seen = { count: 0 };
    Object.assign(window, { __mutations: seen });
    new MutationObserver((records) => (seen.count += records.length)).observe(/** @type {Element} */ (document.querySelector(".feed")), { subtree: true, childList: true, characterData: true, attributes: true });
  });

  // A jump of the clock may leave the last tick unpainted.
  await page.clock.runFor(1_000);
  const before = await page.locator('[data-part="next"]').innerText();
  await page.clock.runFor(5_000);
  const later = await page.locator('[data-part="next"]').innerText();
  await page.clock.runFor(10_000);

  const [first = 0, second = 0] = [before, later].map((words) => Number(/\d+/.exec(words)?.[0]));
  assert.ok(first >= 9 && first <= 11, before);
  assert.equal(second, first - 5);
  assert.equal(await page.locator('[data-part="next"]').innerText(), "Trying now");
  assert.equal(await page.evaluate(() => /** @type {any} */ (window).__mutations.count), 0);
});

test("a program that does not answer is said, and asked again", async () => {
  const page = await set.open("full", { change: (world) => void (world.snapshot = null) });

  await page.getByText("Something went wrong inside VisionGuard.", { exact: false }).waitFor();
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("subscribe").length >= 2);
});

test("a lost event is made up for by a fresh snapshot", async () => {
  const page = await set.open("full");

  await page.evaluate(() => {
    const mock = /** @type {any} */ (window).__mock;
    mock.index += 1;
    mock.emit({ type: "notices", notices: [] });
  });
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("subscribe").length === 2);
  await emit(page, { type: "notices", notices: [{ code: "x", sentence: "Still listening.", closable: false }] });

  await page.getByText("Still listening.").waitFor();
});

test("a feed that changed more than was told is asked for once more, not once per change", async () => {
  const page = await set.open("full");

  await page.evaluate(() => {
    const mock = /** @type {any} */ (window).__mock;
    for (let n = 0; n < 50; n += 1) mock.emit({ type: "feed_changed", counts: { unhandled: 1, unseen: 1, total: 9, cleared: 0, today: 1 } });
  });
  await page.waitForTimeout(300);

  const questions = (await asked(page, "feed")).length;
  assert.ok(questions >= 1 && questions <= 2, `${questions} questions`);
});

test("a program that says nothing any more is not vouched for, and is believed again once it speaks", async () => {
  const page = await set.open("full");
  await page.waitForSelector('[data-part="status"][data-status="protected"]');

  await page.evaluate(() => void (/** @type {any} */ (window).__mute = true));
  await page.waitForSelector('[data-part="status"][data-status="offline"]', { timeout: 60_000 });
  const said = await page.locator('.status-sentence').textContent();
  await page.evaluate(() => void (/** @type {any} */ (window).__mute = false));
  await page.waitForSelector('[data-part="status"][data-status="protected"]', { timeout: 60_000 });

  assert.match(said ?? "", /does not answer/);
});
