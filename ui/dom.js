/**
 * The few things every view does with the document. Text goes in as text, never as markup, and only what differs is
 * touched, so that a repeated paint costs next to nothing.
 */

/**
 * A copy of a `<template data-name="…">` of the page.
 *
 * @param {string} name
 * @returns {HTMLElement}
 */
export function clone(name) {
  const template = document.querySelector(`template[data-name="${name}"]`);
  if (!(template instanceof HTMLTemplateElement)) throw new Error(`no template ${name}`);
  const element = template.content.firstElementChild?.cloneNode(true);
  if (!(element instanceof HTMLElement)) throw new Error(`the template ${name} is empty`);
  return element;
}

/**
 * The element marked `data-part="name"` within a root.
 *
 * @param {ParentNode} root
 * @param {string} name
 * @returns {HTMLElement}
 */
export function part(root, name) {
  const element = root.querySelector(`[data-part="${name}"]`);
  if (!(element instanceof HTMLElement)) throw new Error(`no part ${name}`);
  return element;
}

/**
 * The same, of a certain kind.
 *
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} name
 * @param {new () => T} kind
 * @returns {T}
 */
export function partOf(root, name, kind) {
  const element = root.querySelector(`[data-part="${name}"]`);
  if (!(element instanceof kind)) throw new Error(`no ${kind.name} ${name}`);
  return element;
}

/**
 * @param {Element} element
 * @param {string} words
 */
export function text(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

/**
 * Shows or hides; hidden is hidden from everybody.
 *
 * @param {HTMLElement} element
 * @param {boolean} shown
 */
export function show(element, shown) {
  if (element.hidden === shown) element.hidden = !shown;
}

/**
 * Sets an attribute, or takes it away with null.
 *
 * @param {Element} element
 * @param {string} name
 * @param {string | null} value
 */
export function attribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * Points an `<svg><use>` at another drawing of the sprite.
 *
 * @param {ParentNode} root holds the icon, or the icon's own `data-icon` element
 * @param {string} name
 */
export function icon(root, name) {
  const use = root.querySelector("svg.icon use");
  if (use) attribute(use, "href", `icons.svg#${name}`);
}

/**
 * Makes a container's children those of a list, by key. Elements that stay are never moved while their order stays,
 * so that focus and scrolling survive whatever arrives around them.
 *
 * @template T
 * @param {Element} container
 * @param {readonly T[]} items
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => HTMLElement} make
 * @param {(element: HTMLElement, item: T, index: number) => void} update
 */
export function keyed(container, items, keyOf, make, update) {
  const known = /** @type {Map<string, HTMLElement>} */ (new Map());
  for (const child of container.children) {
    if (child instanceof HTMLElement && child.dataset.key !== undefined) known.set(child.dataset.key, child);
  }
  const wanted = new Set(items.map(keyOf));
  for (const [key, element] of known) if (!wanted.has(key)) element.remove();

  let place = container.firstElementChild;
  items.forEach((item, index) => {
    const key = keyOf(item);
    const element = known.get(key) ?? make(item);
    element.dataset.key = key;
    if (element === place) place = place.nextElementSibling;
    else container.insertBefore(element, place);
    update(element, item, index);
  });
}
