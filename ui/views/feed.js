/**
 * The list of incidents and outages: rows by key, a bounded number of them, and everything around it that asks for more, for less,
 * or for other ones. More come by themselves where somebody scrolls to the end of what is here, and as many go at the other end.
 *
 * @import { FeedFilter, FeedItem } from "../types.d.ts"
 * @import { State } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { attribute, keyed, part, show, text } from "../dom.js";
import { day as dayOf, plain, time } from "../format.js";
import { isScan, onPress } from "../keys.js";
import { beginOf, EVERYTHING, isEverything, isOpen } from "../listing.js";
import { handlingOf } from "../state.js";
import { count, t } from "../words.js";
import { filterView } from "./filter.js";
import { makeRow, updateRow } from "./row.js";
import { short } from "./scrolling.js";

/** So near to the end of what is here more is asked for. */
const NEAR = 1_200;
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
  const heading = part(root, "feed-day");
  const paintFilter = filterView(root, act, now);
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
    if (painted) act.bringBack({ which: "listed", query: { ...painted.feed.query, before: null, after: null, at: null } });
  });
  onPress(part(root, "older"), () => act.more("older"));
  onPress(part(root, "newer"), () => act.more("newer"));
  onPress(part(root, "note-button"), () => noteFor(painted)?.act());
  onPress(arrived, () => {
    if (painted?.feed.previous) act.goTo(null);
    else if (short.matches) root.scrollIntoView({ block: "start" });
    else scroll.scrollTo({ top: 0 });
    if (document.activeElement === arrived) sibling(rows.firstElementChild)?.focus();
  });
  const scrolled = () => {
    nameDay();
    reachOut();
    if (missed === 0 || isBelow()) return;
    missed = 0;
    paintArrived();
  };
  scroll.addEventListener("scroll", scrolled);
  document.addEventListener("scroll", scrolled);

  /** Asks for more rows where what is here comes to an end. */
  function reachOut() {
    const { height, top, bottom } = rows.getBoundingClientRect();
    if (height === 0 || painted?.feed.phase !== "ready") return;
    const { next, previous } = painted.feed;
    const end = short.matches ? innerHeight : scroll.getBoundingClientRect().bottom;
    if (next !== null && bottom - end < NEAR) act.more("older");
    else if (previous !== null && edge() - top < NEAR) act.more("newer");
  }

  /** Says the day of the first row in sight, above it. */
  function nameDay() {
    const row = inSight(rows, edge() + 1);
    const item = painted?.feed.items.find((item) => item.id === row?.dataset.key);
    show(heading, item !== undefined);
    text(heading, item ? dayOf(beginOf(item), now()) : "");
  }

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
    if (key === "PageDown" || key === "ArrowDown") return sibling(row.nextElementSibling) ?? beyond(row, "older");
    if (key === "PageUp" || key === "ArrowUp") return sibling(row.previousElementSibling) ?? beyond(row, "newer");
    if (key === "Home") return sibling(rows.firstElementChild);
    if (key === "End") return sibling(rows.lastElementChild);
    return undefined;
  }

  /** The row beyond the last or the first: focused once it is here, unless the person went on. @param {HTMLElement} row @param {"older" | "newer"} way */
  function beyond(row, way) {
    act.more(way).then((came) => {
      if (!came) return;
      requestAnimationFrame(() => {
        if (document.activeElement === row) sibling(way === "older" ? row.nextElementSibling : row.previousElementSibling)?.focus();
      });
    });
    return null;
  }

  /** @param {HTMLElement} row */
  function moveTo(row) {
    current = row.dataset.key ?? null;
    for (const other of rows.querySelectorAll('article[tabindex="0"]')) other.setAttribute("tabindex", "-1");
    row.tabIndex = 0;
  }

  /** @param {State} state @param {ReturnType<typeof anchor>} held where what is in sight was before anything was painted */
  function paintRows(state, held) {
    const today = new Date(now()).setHours(0, 0, 0, 0);
    const before = painted?.feed;
    const all = painted === null || today !== day || state.settings !== painted.settings;
    const changed = all || state.feed !== before || state.deciding !== painted?.deciding;
    const selected = state.shown?.id ?? null;
    if (!changed && selected === (painted?.shown?.id ?? null)) return;
    day = today;

    const { items, turn, previous } = state.feed;
    const isSame = before !== undefined && before.turn === turn;
    const aiming = performance.now() - aimedAt < AIMING;
    const keep = isSame && (isBelow() || aiming || before.previous !== null) ? held : null;
    const first = rows.firstElementChild instanceof HTMLElement ? rows.firstElementChild.dataset.key : undefined;
    show(rows, items.length > 0);
    // Above the rows, so that it is there before they are put back in their place.
    show(part(root, "newer"), previous !== null && items.length > 0);
    const isTop = previous === null && before?.previous === null;
    const fresh = isSame && isTop && before.items.length > 0 ? items.findIndex((item) => item.id === first) : 0;
    keyed(rows, items, (item) => item.id, makeRow, (row, item, index) => {
      updateRow(row, item, index, { now: now(), state, items, live: index < fresh });
      attribute(row, "aria-current", item.id === selected ? "true" : null);
    });
    if (keep?.row.isConnected) scroller().scrollTop += bottom(keep.row) - keep.bottom;
    if (before && !isSame) {
      missed = 0;
      toTop();
    }
    if (keep && isTop) miss(items, before?.items ?? []);
    if (!items.some((item) => item.id === current)) current = keep?.row.dataset.key ?? items[0]?.id ?? null;
    for (const row of rows.children) attribute(row, "tabindex", dataKey(row) === current ? "0" : "-1");
  }

  /** Shows the beginning of another list. */
  function toTop() {
    if (!short.matches) scroll.scrollTop += rows.getBoundingClientRect().top - edge();
    else if (isBelow()) root.scrollIntoView({ block: "start" });
  }

  /** Counts what arrived above while the person was reading further down. @param {FeedItem[]} items @param {FeedItem[]} before */
  function miss(items, before) {
    const known = new Set(before.map((item) => item.id));
    const fresh = items.findIndex((item) => known.has(item.id));
    if (fresh <= 0) return;
    missed += fresh;
  }

  function paintArrived() {
    const all = missed + (painted?.feed.waiting.length ?? 0);
    text(part(root, "arrived-count"), count("page.feed.arrived", all));
    show(arrived, all > 0);
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
    attribute(rows, "aria-busy", String(feed.phase !== "ready" && feed.phase !== "failed"));
    keepFocus(part(root, "older"), feed.next !== null && feed.items.length > 0, () => sibling(rows.lastElementChild));
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
    const held = state.feed === painted?.feed ? null : anchor(rows, edge());
    paintFilter(state.feed);
    paintTools(state);
    paintRows(state, held);
    painted = state;
    paintArrived();
    nameDay();
    reachOut();
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
  const row = inSight(rows, edge);
  return row && { row, bottom: bottom(row) };
}

/** The first row that ends below this. @param {HTMLElement} rows @param {number} edge */
function inSight(rows, edge) {
  let [from, to] = [0, rows.children.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const row = rows.children[middle];
    if (row instanceof HTMLElement && bottom(row) > edge) to = middle;
    else from = middle + 1;
  }
  const row = rows.children[from];
  return row instanceof HTMLElement ? row : null;
}

/** Where a row ends; its beginning may lose the name of the day. @param {HTMLElement} row */
function bottom(row) {
  return row.getBoundingClientRect().bottom;
}
