/**
 * The list of incidents and outages: rows by key, a window of at most 200 of them, and everything around it that asks
 * for more, for less, or for other ones.
 *
 * @import { FeedFilter, FeedItem } from "../types.d.ts"
 * @import { State } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { attribute, keyed, part, show, text } from "../dom.js";
import { plain, time } from "../format.js";
import { isScan, onPress } from "../keys.js";
import { EVERYTHING, hasOlder, isEverything, isOpen, visibleItems } from "../listing.js";
import { handlingOf } from "../state.js";
import { count, t } from "../words.js";
import { chipsView } from "./chips.js";
import { makeRow, updateRow } from "./row.js";
import { short } from "./scrolling.js";

/** How long the rows hold still after the pointer moved over them. */
const AIMING = 2_000;

/**
 * @param {Actions} act
 * @param {() => number} now
 */
export function feedView(act, now) {
  const root = part(document, "feed");
  const rows = part(root, "rows");
  const scroll = part(root, "scroll");
  const arrived = part(root, "arrived");
  const paintChips = chipsView(part(root, "chips"), act, now);
  let painted = /** @type {State | null} */ (null);
  let day = 0;
  /** The row that Page Up and Page Down start from. */
  let current = /** @type {string | null} */ (null);
  let missed = 0;
  /** When the pointer last moved over the rows: somebody may be about to press one. */
  let aimedAt = -Infinity;

  for (const tab of root.querySelectorAll("[data-filter]")) {
    const filter = /** @type {FeedFilter} */ (tab.getAttribute("data-filter"));
    if (tab instanceof HTMLElement) onPress(tab, () => act.search({ filter }));
  }
  onPress(part(root, "clear"), () => act.clear());
  onPress(part(root, "bring-back"), () => {
    if (painted) act.bringBack({ which: "listed", query: { ...painted.feed.query, before: null } });
  });
  onPress(part(root, "older"), act.older);
  onPress(part(root, "newer"), act.newer);
  onPress(part(root, "note-button"), () => noteFor(painted)?.act());
  onPress(arrived, () => {
    if (short.matches) root.scrollIntoView({ block: "start" });
    else scroll.scrollTo({ top: 0 });
    if (document.activeElement === arrived) sibling(rows.firstElementChild)?.focus();
  });
  const scrolled = () => {
    if (missed === 0 || isBelow()) return;
    missed = 0;
    show(arrived, false);
  };
  scroll.addEventListener("scroll", scrolled);
  document.addEventListener("scroll", scrolled);

  /** Where what can be seen of the rows begins, in the window. */
  const edge = () => (short.matches ? 0 : scroll.getBoundingClientRect().top);

  const scroller = () => (short.matches ? (document.scrollingElement ?? scroll) : scroll);

  /** The first row is above what can be seen. */
  const isBelow = () => rows.getBoundingClientRect().top < edge() - 8;

  rows.addEventListener("pointermove", (event) => (aimedAt = event.timeStamp));
  rows.addEventListener("click", (event) => {
    const row = rowOf(event.target);
    if (row) open(row, event);
  });
  rows.addEventListener("focusin", (event) => {
    const row = rowOf(event.target);
    if (row) moveTo(row);
  });
  rows.addEventListener("keydown", (event) => {
    const row = rowOf(event.target);
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const target = destination(row, event.key);
    if (target === undefined) return;
    event.preventDefault();
    if (target === "open") {
      if (!isScan(event)) open(row, event);
    } else target?.focus();
  });

  /** @param {HTMLElement} row @param {UIEvent} event */
  function open(row, event) {
    if (row.dataset.kind === "outage") return;
    act.open(row.dataset.key ?? "");
    moveTo(row);
    if (event instanceof KeyboardEvent) root.dispatchEvent(new CustomEvent("entered", { bubbles: true }));
  }

  /** Where a key leads from a row; undefined: nowhere. @param {HTMLElement} row @param {string} key */
  function destination(row, key) {
    if (key === "Enter" || key === " ") return "open";
    if (key === "PageDown" || key === "ArrowDown") return sibling(row.nextElementSibling) ?? focusable("older");
    if (key === "PageUp" || key === "ArrowUp") return sibling(row.previousElementSibling) ?? focusable("newer");
    if (key === "Home") return sibling(rows.firstElementChild);
    if (key === "End") return sibling(rows.lastElementChild);
    return undefined;
  }

  /** @param {string} name */
  function focusable(name) {
    const button = part(root, name);
    return button.hidden ? null : button;
  }

  /** @param {HTMLElement} row */
  function moveTo(row) {
    current = row.dataset.key ?? null;
    for (const other of rows.querySelectorAll('article[tabindex="0"]')) other.setAttribute("tabindex", "-1");
    row.tabIndex = 0;
  }

  /** @param {State} state */
  function paintRows(state) {
    const today = new Date(now()).setHours(0, 0, 0, 0);
    const before = painted?.feed.items;
    const all = painted === null || today !== day || state.settings !== painted.settings;
    const changed = all || state.feed !== painted?.feed || state.deciding !== painted.deciding;
    const selected = state.shown?.id ?? null;
    if (!changed && selected === (painted?.shown?.id ?? null)) return;
    day = today;

    const items = visibleItems(state.feed);
    const aiming = performance.now() - aimedAt < AIMING;
    const keep = isBelow() || aiming ? anchor(rows, edge()) : null;
    const first = rows.firstElementChild instanceof HTMLElement ? rows.firstElementChild.dataset.key : undefined;
    const context = { now: now(), state, live: before !== undefined && before.length > 0, items };
    show(rows, items.length > 0);
    keyed(rows, items, (item) => item.id, makeRow, (row, item, index) => {
      const live = context.live && first !== undefined && index < items.findIndex((other) => other.id === first);
      updateRow(row, item, index, { ...context, live });
      attribute(row, "aria-current", item.id === selected ? "true" : null);
    });
    if (keep) scroller().scrollTop += bottom(keep.row) - keep.bottom;
    if (keep && before && state.feed.query === painted?.feed.query) miss(items, before);
    if (!items.some((item) => item.id === current)) current = items[0]?.id ?? null;
    for (const row of rows.children) attribute(row, "tabindex", dataKey(row) === current ? "0" : "-1");
  }

  /** Counts what arrived above while the person was reading further down. @param {FeedItem[]} items @param {FeedItem[]} before */
  function miss(items, before) {
    const known = new Set(before.map((item) => item.id));
    const fresh = items.findIndex((item) => known.has(item.id));
    if (fresh <= 0) return;
    missed += fresh;
    text(part(root, "arrived-count"), count("page.feed.arrived", missed));
    show(arrived, true);
  }

  /** @param {State} state */
  function paintTools(state) {
    const { counts, feed } = state;
    const { filter } = feed.query;
    text(part(root, "unhandled"), counts.unhandled.toLocaleString("en"));
    text(part(root, "total"), counts.total.toLocaleString("en"));
    text(part(root, "cleared"), counts.cleared.toLocaleString("en"));
    for (const tab of root.querySelectorAll("[data-filter]")) {
      attribute(tab, "aria-pressed", String(tab.getAttribute("data-filter") === filter));
    }
    show(part(root, "cleared-tab"), counts.cleared > 0 || filter === "cleared");
    const isGap = state.notices.some(({ code }) => code === "possible_gap");
    const isHandled = (/** @type {FeedItem} */ item) => item.type === "incident" && !isOpen(handlingOf(state, item));
    const isOver = (/** @type {FeedItem} */ item) => item.type === "outage" && item.to !== null;
    const others = isEverything(feed.query) && (isGap || counts.total > counts.unhandled || feed.items.some(isOver));
    const canClear = filter === "all" && (others || feed.items.some(isHandled));
    keepFocus(part(root, "clear"), canClear);
    keepFocus(part(root, "bring-back"), filter === "cleared" && feed.items.length > 0);
    attribute(rows, "aria-busy", String(feed.phase === "loading" || feed.phase === "older"));
    show(part(root, "newer"), feed.from > 0);
    keepFocus(part(root, "older"), hasOlder(feed) && feed.items.length > 0, () => sibling(rows.lastElementChild));
    const { understood } = feed;
    const shown = understood ? t("page.feed.understood", { time: time(understood.from, understood.to, now()) }) : "";
    text(part(root, "understood"), shown);
    text(part(root, "older"), feed.phase === "older" ? t("page.feed.loading") : t("page.feed.older"));
  }

  /**
   * Shows a button or not; the focus in it goes to the list.
   *
   * @param {HTMLElement} button
   * @param {boolean} on
   * @param {() => HTMLElement | null} [near]
   */
  function keepFocus(button, on, near = () => root.querySelector("button")) {
    const focused = document.activeElement === button;
    show(button, on);
    if (focused && !on) near()?.focus();
  }

  /** @param {State | null} state */
  function noteFor(state) {
    if (state === null) return null;
    const { feed } = state;
    if (feed.phase === "failed") {
      return { sentence: plain(feed.sentence, 300), button: t("page.feed.again"), act: () => act.reload() };
    }
    if (feed.items.length > 0) return null;
    if (feed.phase === "loading") return { sentence: t("page.feed.loading"), button: null, act: () => {} };
    const { search, ...rest } = feed.query;
    if (search === "" && !isEverything({ ...rest, search, filter: "all" })) {
      return { sentence: t("page.feed.none_such"), button: t("page.feed.show_all"), act: () => act.search(EVERYTHING) };
    }
    if (search !== "") {
      const sentence = t("page.feed.no_match", { search: plain(search, 60) });
      return { sentence, button: t("page.feed.clear_search"), act: () => act.search({ search: "" }) };
    }
    const { filter } = feed.query;
    if (filter === "cleared" || (filter === "unhandled" && state.counts.total + state.counts.cleared > 0)) {
      const sentence = filter === "cleared" ? t("page.feed.none_cleared") : t("page.feed.all_handled");
      return { sentence, button: t("page.feed.show_all"), act: () => act.search({ filter: "all" }) };
    }
    if (state.counts.cleared > 0) {
      return { sentence: t("page.feed.all_cleared"), button: t("page.feed.show_cleared"), act: () => act.search({ filter: "cleared" }) };
    }
    return { sentence: t("page.feed.empty"), button: null, act: () => {} };
  }

  /** @param {State} state */
  return function paint(state) {
    if (state === painted) return;
    paintRows(state);
    paintTools(state);
    paintChips(state.feed);
    painted = state;
    const note = noteFor(state);
    show(part(root, "note"), note !== null);
    text(part(root, "note-sentence"), note?.sentence ?? "");
    show(part(root, "note-button"), Boolean(note?.button));
    text(part(root, "note-button"), note?.button ?? "");
  };
}

/** The row that the keyboard is at: where focus goes back to. */
export function focusCurrentRow() {
  const row = part(document, "rows").querySelector('article[tabindex="0"]');
  if (row instanceof HTMLElement) row.focus();
}

/** Brings a row into sight, if it is not, and the focus with it. @param {string} id @param {boolean} [focus] */
export function reveal(id, focus = false) {
  const row = [...part(document, "rows").children].find((row) => dataKey(row) === id);
  row?.scrollIntoView({ block: "nearest" });
  if (focus && row instanceof HTMLElement) row.focus();
}

/** @param {Element | null} row */
function sibling(row) {
  return row instanceof HTMLElement ? row : null;
}

/** @param {EventTarget | null} target */
function rowOf(target) {
  const row = target instanceof Element ? target.closest("article.row") : null;
  return row instanceof HTMLElement ? row : null;
}

/** @param {Element} row */
function dataKey(row) {
  return row instanceof HTMLElement ? row.dataset.key : undefined;
}

/**
 * The first row in sight, which must stay where it is while others arrive above it.
 *
 * @param {HTMLElement} rows
 * @param {number} edge
 */
function anchor(rows, edge) {
  for (const row of rows.children) {
    if (row instanceof HTMLElement && bottom(row) > edge) return { row, bottom: bottom(row) };
  }
  return null;
}

/** Where a row ends; its beginning may lose the name of the day. @param {HTMLElement} row */
function bottom(row) {
  return row.getBoundingClientRect().bottom;
}
