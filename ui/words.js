/**
 * The page's words. They live in `locales/`, one file a language; this module only looks them up and fills in names.
 * What is filled in stays text: it is never read for placeholders again.
 */

import words from "./locales/en.json" with { type: "json" };

/** The language of the words, for dates and plurals. */
export const LANGUAGE = "en";

const plurals = new Intl.PluralRules(LANGUAGE);

/**
 * The sentence of a key, with `{name}` replaced by the value of that name.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const sentence = /** @type {Record<string, string>} */ (words)[key];
  if (sentence === undefined) throw new Error(`no words for ${key}`);
  return sentence.replace(/\{(\w+)\}/g, (all, name) => (Object.hasOwn(values, name) ? String(values[name]) : all));
}

/**
 * The sentence for a count: `key.one` or `key.other`, with `{n}` replaced.
 *
 * @param {string} key
 * @param {number} count
 * @param {Record<string, string | number>} [values]
 */
export function count(key, count, values = {}) {
  const form = plurals.select(count) === "one" ? "one" : "other";
  return t(`${key}.${form}`, { n: count.toLocaleString(LANGUAGE), ...values });
}

/**
 * Fills the fixed words of the page: `data-text`, `data-label` and `data-hint` name a key.
 *
 * @param {ParentNode} root
 */
export function fill(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = t(key(element, "data-text"));
  for (const element of root.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(key(element, "data-label")));
  for (const element of root.querySelectorAll("[data-hint]")) element.setAttribute("placeholder", t(key(element, "data-hint")));
  for (const template of root.querySelectorAll("template")) fill(template.content);
}

/**
 * @param {Element} element
 * @param {string} attribute
 */
function key(element, attribute) {
  return element.getAttribute(attribute) ?? "";
}
