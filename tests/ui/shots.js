/**
 * Saves pictures of every view for the eye to judge: `npm run shots [name]`, into `target/shots/`.
 *
 * @import { Page } from "playwright-core"
 * @import { Scenario } from "./support/world.js"
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { stage } from "./support/browser.js";
import { ROOT } from "./support/server.js";

const OUT = join(ROOT, "target", "shots");
const NOW = new Date("2025-11-21T14:03:23+01:00").getTime();

/** @typedef {{ name: string, scenario: Scenario, widths?: number[], then?: (page: Page) => Promise<unknown> }} Shot */

const open = (/** @type {Page} */ page) => page.locator("article.row").first().click();

/** @type {Shot[]} */
const SHOTS = [
  { name: "full", scenario: "full" },
  { name: "detail", scenario: "full", then: open },
  { name: "quiet", scenario: "quiet", widths: [360, 1280] },
  { name: "empty", scenario: "empty" },
  { name: "offline", scenario: "offline", then: open },
  { name: "deaf", scenario: "deaf" },
  { name: "signed-out", scenario: "signed_out" },
  { name: "catching-up", scenario: "catching_up", widths: [360, 1280] },
  { name: "storm", scenario: "storm", then: open },
  { name: "blur", scenario: "blur", widths: [360, 1280], then: open },
  { name: "sign-in", scenario: "sign_in" },
  {
    name: "sign-in-problem",
    scenario: "sign_in",
    widths: [360, 1280],
    async then(page) {
      await page.evaluate(() => {
        /** @type {any} */ (window).__mock.answers.sign_in = () => {
          throw { code: "wrong_password", sentence: "The e-mail or the password is not right.", field: "password" };
        };
      });
      await page.fill("#server", "http://shop-server:8000");
      await page.fill("#email", "maria.keller@example.com");
      await page.fill("#password", "secret");
      await page.click('[data-part="sign-in-button"]');
    },
  },
  { name: "settings", scenario: "full", then: (page) => page.click('[data-part="settings"]') },
  { name: "clear", scenario: "full", widths: [360, 1280], then: (page) => page.click('[data-part="clear"]') },
  { name: "recorded", scenario: "full", widths: [360, 1280], then: (page) => page.locator("article.row").nth(2).click() },
  { name: "refused", scenario: "full", widths: [360, 1280], then: (page) => page.locator("article.row").nth(7).click() },
  { name: "no-picture", scenario: "full", widths: [1280], then: (page) => page.locator("article.row").nth(5).click() },
  { name: "no-match", scenario: "full", widths: [360, 1280], then: (page) => page.fill('[name="search"]', "bakery") },
];

const SIZES = [
  [360, 740],
  [900, 640],
  [1280, 800],
  [2560, 1440],
];

await mkdir(OUT, { recursive: true });
const set = await stage({ scenes: true });
const only = process.argv[2];
for (const { name, scenario, widths, then } of SHOTS.filter((shot) => !only || shot.name === only)) {
  for (const [width = 0, height = 0] of SIZES.filter(([width = 0]) => !widths || widths.includes(width))) {
    for (const scheme of /** @type {const} */ (["light", "dark"])) {
      const page = await set.open(scenario, { width, height, scheme, now: NOW });
      await then?.(page);
      await page.waitForTimeout(350);
      await page.screenshot({ path: join(OUT, `${name}-${width}-${scheme}.png`) });
    }
  }
}
await set.close();
