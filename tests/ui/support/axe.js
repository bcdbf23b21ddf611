/**
 * What axe-core finds wrong with a page by WCAG 2.2 AA.
 *
 * @import { Page } from "playwright-core"
 * @import { AxeResults } from "axe-core"
 */

import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";

const SOURCE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * Makes ready to look at a page. It runs in a world of its own, where the page's frozen prototypes and policy do not bind it.
 *
 * @param {Page} page
 * @returns {Promise<() => Promise<string[]>>} what is worse than "minor"
 */
export async function inspector(page) {
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const { executionContextId } = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
  const run = async (/** @type {string} */ expression) => {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
      expression,
      contextId: executionContextId,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  await run(SOURCE);

  return async () => {
    const options = {
      resultTypes: ["violations"],
      preload: false,
      selectors: false,
      runOnly: { type: "tag", values: STANDARD },
      rules: { "target-size": { enabled: true } },
    };
    const { violations } = /** @type {AxeResults} */ (await run(`axe.run(document, ${JSON.stringify(options)})`));
    return violations
      .filter(({ impact }) => impact !== "minor")
      .flatMap(({ id, impact, nodes }) =>
        nodes.map(({ target, html, any, all, none }) => {
          const why = [...any, ...all, ...none].map(({ message }) => message).join("; ");
          return `${id} (${impact}): ${target} ${html.slice(0, 160)}: ${why}`;
        }),
      );
  };
}
