/** The system's wishes for more contrast, and for its own colours: nothing that is to be told is told by a colour that went. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { contrast } from "../support/contrast.js";
import { stage } from "../support/browser.js";

/** @typedef {import("playwright-core").Page} Page */

/** @type {import("../support/browser.js").Stage} */
let set;
before(async () => void (set = await stage()));
after(() => set?.close());

test("with more contrast all text stands out by seven to one and every line by three, in light and dark", async () => {
  const page = await set.open("full");
  const on = /** @type {Record<string, [number, string[]]>} */ ({
    "--text-1": [7, ["--surface-0", "--surface-1", "--surface-2", "--amber-soft", "--high-soft", "--stage"]],
    "--text-2": [7, ["--surface-0", "--surface-1", "--surface-2", "--amber-soft", "--high-soft", "--stage"]],
    "--on-accent": [7, ["--accent", "--accent-press"]],
    "--high": [7, ["--surface-0", "--surface-1", "--surface-2", "--high-soft"]],
    "--amber": [7, ["--surface-0", "--surface-1", "--surface-2", "--amber-soft"]],
    "--ok": [7, ["--surface-0", "--surface-1", "--surface-2"]],
    "--line": [3, ["--surface-0", "--surface-1", "--surface-2"]],
    "--edge": [4.5, ["--surface-0", "--surface-1", "--surface-2"]],
  });
  const faint = [];
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    await page.emulateMedia({ colorScheme, contrast: "more" });
    for (const [text, [least, surfaces]] of Object.entries(on)) {
      for (const surface of surfaces) {
        const ratio = contrast(await token(page, text), await token(page, surface));
        if (ratio < least) faint.push(`${colorScheme}: ${text} on ${surface} is ${ratio.toFixed(2)}`);
      }
    }
  }

  assert.deepEqual(faint, []);
});

test("in the system's own colours what is chosen, switched, disabled and focused differs from what is not", async () => {
  const page = await set.open("full");
  await page.emulateMedia({ forcedColors: "active", colorScheme: "dark" });
  const look = (/** @type {string} */ element, /** @type {string[]} */ properties, /** @type {string} */ pseudo = "") =>
    page.evaluate(
      ([element, pseudo, properties]) => {
        const found = document.querySelector(/** @type {string} */ (element));
        if (!found) throw new Error(`no ${element}`);
        const style = getComputedStyle(found, /** @type {string} */ (pseudo) || null);
        return /** @type {string[]} */ (properties).map((property) => style.getPropertyValue(property)).join(" ");
      },
      [element, pseudo, properties],
    );
  const differs = async (/** @type {string} */ one, /** @type {string} */ other, /** @type {string[]} */ properties, pseudo = "") =>
    assert.notEqual(await look(one, properties, pseudo), await look(other, properties, pseudo), `${one} looks like ${other}`);

  await page.locator("article.row").first().click();
  await differs('.row[aria-current="true"] .row-body', '.row:not([aria-current="true"]) .row-body', ["border-inline-start-width"]);
  await differs('.tab[aria-pressed="true"]', '.tab[aria-pressed="false"]', ["background-color"]);
  await differs('[data-part="acknowledge"]', '[data-part="false-alarm"]', ["background-color"]);
  await page.locator('.tab[aria-pressed="true"]').focus();
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Tab");
  await differs('.tab[aria-pressed="true"]', '.tab[aria-pressed="false"]', ["outline-style"]);
  const severities = await page.locator("article.row .severity use").evaluateAll((uses) => uses.map((use) => use.getAttribute("href")));
  assert.ok(new Set(severities).size >= 1 && severities.every((href) => href?.startsWith("icons.svg#severity-")), "a shape of its own");

  const canvas = await page.evaluate(() => {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.backgroundColor = "Canvas";
    const colour = getComputedStyle(probe).backgroundColor;
    probe.remove();
    return colour;
  });
  // Behind text that keeps to the system's colours the system paints its own background.
  const unreadable = await page.evaluate((canvas) => {
    const hasWords = (/** @type {Element} */ element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim());
    return [...document.body.querySelectorAll("*")]
      .filter((element) => hasWords(element) && element.checkVisibility() && getComputedStyle(element).color === canvas)
      .filter((element) => getComputedStyle(element).getPropertyValue("forced-color-adjust") !== "none")
      .map((element) => element.outerHTML.slice(0, 80));
  }, canvas);
  assert.deepEqual(unreadable, []);

  await page.locator('.status [data-part="settings"]').click();
  assert.notEqual(await look('[name="blur"]', ["background-color"], "::before"), canvas, "the knob of what is off is seen");
  await differs('[name="sound"]', '[name="blur"]', ["background-color"], "::before");
  await differs(".choices label:has(:checked)", ".choices label:not(:has(:checked))", ["background-color"]);
  await page.locator('[name="notifications"]').uncheck();
  await differs('[name="sound"]', '[name="start_at_sign_in"]', ["border-top-color"]);
});

/** @param {Page} page @param {string} name */
function token(page, name) {
  return page.evaluate((name) => {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.color = `var(${name})`;
    const found = getComputedStyle(probe).color.match(/\d+(\.\d+)?/g)?.map(Number) ?? [];
    probe.remove();
    return found;
  }, name);
}
