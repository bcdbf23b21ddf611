/**
 * The page in a real browser, with a stand-in for the program behind it.
 *
 * @import { Browser, Page } from "playwright-core"
 * @import { Scenario, World } from "./world.js"
 */

import { access } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { drawPlain, drawScenes } from "./scenes.js";
import { serve } from "./server.js";
import { world } from "./world.js";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const MOCK = fileURLToPath(new URL("tauri.js", import.meta.url));

/**
 * @typedef {object} Stage
 * @property {Browser} browser
 * @property {string} address
 * @property {(scenario: Scenario, how?: How) => Promise<Page>} open closes the page before
 * @property {() => Promise<void>} close
 *
 * @typedef {object} How
 * @property {number} [width]
 * @property {number} [height]
 * @property {"light" | "dark"} [scheme]
 * @property {(world: World) => void} [change] changes the world before the page sees it
 * @property {(page: Page) => Promise<unknown>} [prepare] before the page is loaded
 * @property {number} [now]
 * @property {boolean} [still] without motion
 * @property {Page} [into] a page that was opened without `prepare` and is looked at no more; it is much cheaper than a new one
 */

/**
 * @param {{ scenes?: boolean }} [how] `scenes`: with drawn camera pictures, for the eye; else with a plain one
 * @returns {Promise<Stage>}
 */
export async function stage({ scenes = false } = {}) {
  await access(CHROMIUM).catch(() => {
    throw new Error(`These tests need Chromium at ${CHROMIUM}: install the package chromium, or set CHROMIUM to its path.`);
  });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  const easel = await browser.newPage();
  const picture = scenes ? await drawScenes(easel) : await drawPlain(easel);
  await easel.close();
  const server = await serve(picture);

  let last = /** @type {import("playwright-core").BrowserContext | null} */ (null);
  /** What each page runs before its own scripts. @type {WeakMap<Page, { dispose(): Promise<void> }[]>} */
  const before = new WeakMap();

  return {
    browser,
    address: server.address,
    async open(scenario, { width = 1280, height = 800, scheme = "light", change, prepare, now, still = true, into } = {}) {
      if (!into) await last?.close();
      for (const script of (into && before.get(into)) ?? []) await script.dispose();
      const context = into?.context() ?? (await browser.newContext({
        viewport: { width, height },
        colorScheme: scheme,
        reducedMotion: still ? "reduce" : "no-preference",
        locale: "en-GB",
        timezoneId: "Europe/Zurich",
      }));
      last = context;
      const page = into ?? (await context.newPage());
      await into?.setViewportSize({ width, height });
      await into?.emulateMedia({ colorScheme: scheme });
      const scene = world(scenario, now ?? Date.now());
      change?.(scene);
      before.set(page, [
        await page.addInitScript((scene) => Object.assign(window, { __world: scene }), scene),
        await page.addInitScript({ path: MOCK }),
        await page.addInitScript(() => {
          const violations = /** @type {string[]} */ ([]);
          Object.assign(window, { __violations: violations });
          addEventListener("securitypolicyviolation", (event) => violations.push(`${event.violatedDirective} ${event.blockedURI}`));
          addEventListener("error", (event) => violations.push(`error ${event.message}`));
          addEventListener("unhandledrejection", (event) => violations.push(`rejection ${event.reason}`));
        }),
      ]);
      await prepare?.(page);
      await page.goto(server.address);
      if (scene.snapshot !== null) await page.waitForSelector('[data-part="start"]', { state: "hidden" });
      return page;
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/**
 * What the page asked of the program.
 *
 * @param {Page} page
 * @param {string} command
 * @returns {Promise<any[]>}
 */
export function asked(page, command) {
  return page.evaluate((command) => /** @type {any} */ (window).__mock.asked(command), command);
}

/**
 * @param {Page} page
 * @param {import("../../../ui/types.d.ts").Event} event
 */
export function emit(page, event) {
  return page.evaluate((event) => /** @type {any} */ (window).__mock.emit(event), event);
}

/**
 * What went against the Content-Security-Policy or was not caught.
 *
 * @param {Page} page
 * @returns {Promise<string[]>}
 */
export function violations(page) {
  return page.evaluate(() => /** @type {any} */ (window).__violations);
}
