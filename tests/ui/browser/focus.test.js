/** The focus, in every view: where Tab leads it is seen and not covered, and no press loses it. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { NOW, SHOTS } from "../shots.js";
import { stage } from "../support/browser.js";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {(typeof SHOTS)[number]} Shot */

/** @type {import("../support/browser.js").Stage} */
let set;
before(async () => void (set = await stage()));
after(() => set?.close());

/** Views whose controls differ. */
const WALKED = ["full", "detail", "offline", "blur", "sign-in-problem", "small-settings-question", "report-range", "note", "snooze", "undo", "cleared", "small-list-snoozed", "small-list-offline-with-remarks"];

let used = /** @type {Page | undefined} */ (undefined);

/** @param {string} name @param {{ width: number, height: number }} size */
async function enter(name, size) {
  const shot = SHOTS.find((shot) => shot.name === name);
  assert.ok(shot, name);
  const { scenario, change, prepare, then } = shot;
  const page = await set.open(scenario, { now: NOW, ...size, ...(change && { change }), ...(prepare ? { prepare } : used && { into: used }) });
  used = prepare ? undefined : page;
  await then?.(page);
  return page;
}

for (const [width, height] of /** @type {const} */ ([[1280, 800], [360, 740], [683, 384]])) {
  test(`where Tab leads is in sight, marked, large enough and not covered, at ${width} x ${height}`, async () => {
    const found = [];
    for (const name of WALKED) {
      const page = await enter(name, { width, height });
      await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
      for (let stop = 0; stop < 80; stop += 1) {
        await page.keyboard.press("Tab");
        const at = await page.evaluate(fault);
        if (at.isEnd) break;
        if (at.fault) found.push(`${name}: ${at.name} ${at.fault}`);
        assert.ok(stop < 79, `${name}: Tab comes to no end`);
      }
    }

    assert.deepEqual(found, []);
  });
}

test("a press never loses the focus", async () => {
  const found = [];
  const pressed = new Set();
  for (const name of WALKED) {
    let page = await enter(name, { width: 1280, height: 800 });
    for (const part of await page.evaluate(buttons)) {
      if (pressed.has(`${part} ${["detail", "note", "snooze"].includes(name) ? "detail" : name}`) || part === "print") continue;
      pressed.add(`${part} ${["detail", "note", "snooze"].includes(name) ? "detail" : name}`);
      const button = page.locator(part).filter({ visible: true }).first();
      await page.evaluate(() => document.querySelectorAll("dialog").forEach((dialog) => dialog.close()));
      if (!(await button.isVisible())) page = await enter(name, { width: 1280, height: 800 });
      await button.focus();
      // A press by the pointer needs no pause for a scanner's keys, and leaves the focus where the keyboard's does.
      await button.dispatchEvent("click", { detail: 1 });
      await page.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(painted)))));
      const isLost = await page.evaluate(() => document.activeElement === document.body || document.activeElement?.checkVisibility({ visibilityProperty: true }) !== true);
      if (isLost) found.push(`${name}: ${part}`);
    }
  }

  assert.deepEqual(found, []);
});

/** How to find each button that can be pressed. */
function buttons() {
  return [...document.querySelectorAll("button")]
    .filter((button) => button.checkVisibility({ visibilityProperty: true }) && button.getAttribute("aria-disabled") !== "true")
    .map(({ dataset }) => (dataset["part"] ? `[data-part="${dataset["part"]}"]` : dataset["filter"] ? `[data-filter="${dataset["filter"]}"]` : dataset["minutes"] ? `[data-minutes="${dataset["minutes"]}"]` : ""))
    .filter(Boolean);
}

/** What is wrong with what has the focus. */
function fault() {
  const focused = document.activeElement;
  if (!(focused instanceof HTMLElement) || focused === document.body || focused === document.documentElement) return { isEnd: true, name: "", fault: "" };
  const name = `${focused.tagName.toLowerCase()} ${focused.dataset["part"] ?? focused.getAttribute("name") ?? focused.textContent?.trim().slice(0, 30) ?? ""}`;
  const box = focused.getBoundingClientRect();
  const target = (focused instanceof HTMLInputElement ? (focused.labels?.[0] ?? focused) : focused).getBoundingClientRect();
  const told = getComputedStyle(focused);
  const around = getComputedStyle(focused.parentElement ?? focused);
  const isMarked = [told, around].some(({ outlineStyle, outlineWidth }) => outlineStyle !== "none" && parseFloat(outlineWidth) >= 2);
  const points = [0.1, 0.5, 0.9].flatMap((x) => [0.1, 0.5, 0.9].map((y) => [box.left + x * box.width, box.top + y * box.height]));
  const seen = points.filter(([x = 0, y = 0]) => {
    const hit = x >= 0 && y >= 0 && x < innerWidth && y < innerHeight ? document.elementFromPoint(x, y) : null;
    return hit !== null && (focused.contains(hit) || hit.closest("label")?.contains(focused) || hit.parentElement?.contains(focused));
  });
  const faults = [
    isMarked ? "" : "is not marked",
    Math.max(target.width, box.width) >= 24 && Math.max(target.height, box.height) >= 24 ? "" : `is small: ${target.width} x ${target.height}`,
    seen.length >= 5 || box.height > innerHeight ? "" : `is seen at ${seen.length} of 9 points, ${Math.round(box.top)} to ${Math.round(box.bottom)}`,
  ];
  return { isEnd: false, name, fault: faults.filter(Boolean).join(", ") };
}
