/** Every state of the page by axe-core, wide in light and narrow in dark. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { NOW, SHOTS } from "../shots.js";
import { inspector } from "../support/axe.js";
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
    for (const [width, height, colorScheme] of /** @type {const} */ ([[1280, 800, "light"], [360, 740, "dark"]])) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      found.push(...(await inspect()));
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
    const small = document.createElement("div");
    small.style.display = "flex";
    for (const name of ["One", "Two"]) {
      const button = document.createElement("button");
      button.setAttribute("aria-label", name);
      Object.assign(button.style, { inlineSize: "12px", blockSize: "12px", padding: "0", border: "0" });
      small.append(button);
    }
    document.querySelector(".feed-tools")?.append(small);
  });

  const found = (await (await inspector(page))()).map((words) => words.split(" ")[0]);

  assert.deepEqual([...new Set(found)].sort(), ["button-name", "color-contrast", "target-size"]);
});
