/** Little room, in a real browser: everything can be scrolled into sight, nothing is cut, and there is one scroll bar. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { emit, stage } from "../support/browser.js";
import { VIEWS } from "../support/views.js";
import { alert, incident } from "../support/world.js";

/** @typedef {import("playwright-core").Page} Page */

const SMALL = { width: 640, height: 360 };
/** Other sizes in which the same must hold. */
const OTHERS = [[320, 480], [360, 700], [683, 330], [719, 500], [900, 470], [1280, 480], [1366, 728]];

/** @type {import("../support/browser.js").Stage} */
let set;
before(async () => void (set = await stage()));
after(() => set?.close());

for (const { name, scenario, then, ...how } of VIEWS) {
  test(`case_30_everything_can_be_reached_at_640_x_360: ${name}`, async () => {
    const page = await set.open(scenario, { ...SMALL, ...how });
    await then?.(page);
    await settled(page);

    assert.deepEqual(await faults(page), []);
    for (const [width = 0, height = 0] of OTHERS) {
      await page.setViewportSize({ width, height });
      await settled(page);
      assert.deepEqual(await faults(page), [], `${width} x ${height}`);
    }
  });
}

test("case_30_an_alert_s_frame_is_usable_at_640_x_360, beside what can be done about it", async () => {
  const page = await set.open("full", SMALL);

  await page.locator("article.row").first().click();
  await page.waitForSelector('[data-part="picture"]', { state: "visible" });
  await settled(page);
  const seen = await page.evaluate(() =>
    Object.fromEntries(["picture", "acknowledge", "back"].map((name) => [name, document.querySelector(`.detail [data-part="${name}"]`)?.getBoundingClientRect().toJSON()])),
  );

  assert.ok(seen["picture"].width >= 320 && seen["picture"].height >= 180, `${seen["picture"].width} x ${seen["picture"].height}`);
  for (const [name, { top, bottom }] of Object.entries(seen)) assert.ok(top > -1 && bottom < SMALL.height + 1, `${name}: ${top} to ${bottom}`);
});

test("case_30_signing_in_works_at_640_x_360_with_the_keyboard_alone", async () => {
  const page = await set.open("sign_in", SMALL);

  await page.locator("#server").focus();
  await page.keyboard.type("https://visionguard.example.com");
  await page.keyboard.press("Tab");
  await page.keyboard.type("maria.keller@example.com");
  await page.keyboard.press("Tab");
  await page.keyboard.type("secret");
  for (let press = 0; press < 3; press += 1) await page.keyboard.press("Tab");
  const at = await page.evaluate(() => ({ part: document.activeElement?.getAttribute("data-part"), bottom: document.activeElement?.getBoundingClientRect().bottom ?? 0 }));

  assert.equal(at.part, "sign-in-button");
  assert.ok(at.bottom <= SMALL.height, `its lower edge is at ${at.bottom}`);
});

test("case_30_the_list_is_where_it_was_left, and holds still while alerts arrive above", async () => {
  const page = await set.open("storm", SMALL);
  const row = page.locator('article[data-key="1020"]');
  const top = async () => (await row.evaluate((element) => element.getBoundingClientRect().top)) ?? 0;
  await row.evaluate((element) => element.scrollIntoView({ block: "center" }));
  await settled(page);
  const before = await top();

  await row.click();
  await page.getByRole("button", { name: "All alerts" }).click();
  await row.waitFor();
  await settled(page);
  const after = await top();
  await page.mouse.move(1, 1);
  const at = await page.evaluate(() => Date.now());
  const item = incident({ id: "9000", first_at: at, last_at: at });
  await emit(page, { type: "alert_added", incident: item, alert: alert({ id: "900000" }), counts: { unhandled: 9, unseen: 9, total: 121, cleared: 0, today: 121 } });
  await page.getByText("1 new alert").waitFor();
  const still = await top();
  await page.getByText("1 new alert").click();
  await page.waitForFunction(() => (document.querySelector('article[data-key="9000"]')?.getBoundingClientRect().top ?? -1) >= 0);

  assert.ok(Math.abs(after - before) < 2, `${before}, then ${after}`);
  assert.ok(Math.abs(still - after) < 2, `${after}, then ${still}`);
  await page.getByText("1 new alert").waitFor({ state: "hidden" });
});

/** Until what was asked for is painted. @param {Page} page */
function settled(page) {
  return page.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(() => painted(null)))));
}

/**
 * What of the page cannot be brought into sight, is covered, is cut, or scrolls within what scrolls.
 *
 * @param {Page} page
 * @returns {Promise<string[]>}
 */
function faults(page) {
  return page.evaluate(() => {
    const found = /** @type {string[]} */ ([]);
    /** @param {Element | null} element @returns {boolean} */
    const isForEarsOnly = (element) => element !== null && (getComputedStyle(element).clipPath === "inset(50%)" || isForEarsOnly(element.parentElement));
    const root = document.scrollingElement ?? document.documentElement;
    const all = [...document.body.querySelectorAll("*")].filter(
      (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !isForEarsOnly(element) && !element.closest("svg > *, option"),
    );
    const name = (/** @type {Element} */ element) =>
      `${element.tagName.toLowerCase()}.${element.getAttribute("class") ?? ""} ${element.getAttribute("data-part") ?? ""} “${element.textContent?.trim().slice(0, 40)}”`;
    const isScrolled = (/** @type {Element} */ element) =>
      element === root
        ? root.scrollHeight > innerHeight + 1
        : ["auto", "scroll"].includes(getComputedStyle(element).overflowY) && element.scrollHeight > element.clientHeight + 1;

    if (root.scrollWidth > innerWidth) found.push(`wider than the window by ${root.scrollWidth - innerWidth}`);
    for (const element of all) {
      const style = getComputedStyle(element);
      if (element !== document.body && isScrolled(element)) {
        let outer = element.parentElement;
        while (outer && outer !== document.body && !isScrolled(outer)) outer = outer.parentElement;
        if (outer && isScrolled(outer === document.body ? root : outer)) found.push(`${name(element)} scrolls within what scrolls`);
      }
      const clips = ["hidden", "clip"].includes(style.overflowX) && style.textOverflow !== "ellipsis" && !element.matches("input, img, .picture, .stage, .thumb, .strip-frame, .detail-text");
      if (clips && (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1)) found.push(`${name(element)} is cut`);
    }

    const hasWords = (/** @type {Element} */ element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim());
    for (const element of all.filter((element) => hasWords(element) || element.matches("button, input, select, a[href], article.row, .picture"))) {
      if (element.matches("option, [data-part='arrived']")) continue;
      element.scrollIntoView({ block: "center", inline: "nearest" });
      const box = element.getBoundingClientRect();
      if (box.width === 0 || box.height === 0) continue;
      const [x, y] = [(box.left + box.right) / 2, (Math.max(0, box.top) + Math.min(innerHeight, box.bottom)) / 2];
      const fits = box.left > -1 && box.right < innerWidth + 1 && ((box.top > -1 && box.bottom < innerHeight + 1) || box.height > innerHeight);
      if (!fits && !element.matches(".strip-frame")) {
        found.push(`${name(element)} lies at ${Math.round(box.left)}, ${Math.round(box.top)} to ${Math.round(box.right)}, ${Math.round(box.bottom)}`);
        continue;
      }
      const hit = document.elementFromPoint(Math.min(Math.max(x, 0), innerWidth - 1), y);
      const label = element.closest("label, button, .search, .chip, .field-with-button, article.row, .stage, .strip-frame");
      // The day that stands above the list says what the row's own does, from the next frame on.
      const isSaid = element.matches(".row-day") && hit?.matches('[data-part="feed-day"]');
      if (hit !== null && !isSaid && !element.contains(hit) && !hit.contains(element) && !label?.contains(hit)) found.push(`${name(element)} is covered by ${name(hit)}`);
      if (hit === null) found.push(`${name(element)} cannot be hit`);
    }
    scrollTo(0, 0);
    return found;
  });
}
