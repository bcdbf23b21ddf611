/** Every state of the page by axe-core, in light and dark, wide and narrow. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { NOW, SHOTS } from "../shots.js";
import { COLOURS, inspector } from "../support/axe.js";
import { stage } from "../support/browser.js";

/** @typedef {import("playwright-core").Page} Page */

/** @type {import("../support/browser.js").Stage} */
let set;
before(async () => void (set = await stage()));
after(() => set?.close());

/** A state that is photographed in several sizes has a name for each. Those with scripts of their own come last. */
const STATES = [...new Map(SHOTS.map((shot) => [`${shot.scenario} ${shot.change} ${shot.prepare} ${shot.then}`, shot])).values()].sort(
  (one, other) => Number(Boolean(one.prepare)) - Number(Boolean(other.prepare)),
);

/** What differs in numbers alone is inspected once. @type {Set<string>} */
const inspected = new Set();
let used = /** @type {Page | undefined} */ (undefined);
for (const { name, scenario, then, change, prepare } of STATES) {
  test(`axe finds nothing worse than minor: ${name}`, async () => {
    const page = await set.open(scenario, { now: NOW, ...(change && { change }), ...(prepare ? { prepare } : used && { into: used }) });
    used = page;
    await then?.(page);
    const markup = (await page.evaluate(() => document.body.innerHTML)).replace(/[0-9]+/g, "");
    if (inspected.has(markup)) return;
    inspected.add(markup);
    const inspect = await inspector(page);

    const found = [];
    for (const [width, height] of /** @type {const} */ ([[1280, 800], [360, 740]])) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: "light" });
      found.push(...(await inspect()));
      await page.emulateMedia({ colorScheme: "dark" });
      found.push(...(await inspect(COLOURS)));
    }

    assert.deepEqual(found, []);
  });
}

test("axe finds what is broken on purpose", async () => {
  const page = await set.open("full");
  await page.evaluate(() => {
    document.querySelector('[data-part="settings"]')?.removeAttribute("aria-label");
    const style = (/** @type {string} */ element, /** @type {Record<string, string>} */ values) =>
      document.querySelectorAll(element).forEach((found) => found instanceof HTMLElement && Object.assign(found.style, values));
    style(".status-sentence", { color: "rgb(150 150 150)" });
    style(".tabs", { display: "grid", gap: "0", lineHeight: "12px" });
    style(".status .button", { minBlockSize: "12px", blockSize: "12px", minInlineSize: "12px", inlineSize: "12px", margin: "0", padding: "0" });
    style(".status", { gap: "0" });
    style(".tab", { minBlockSize: "12px", blockSize: "12px", overflow: "hidden" });
  });

  const found = (await (await inspector(page))()).map((words) => words.split(" ")[0]);

  assert.deepEqual([...new Set(found)].sort(), ["button-name", "color-contrast", "target-size"]);
});
