/**
 * Puts the page together: the store, what a person can do, and the views. Nothing is decided here.
 *
 * @import { State } from "./state.js"
 */

import { actions } from "./act.js";
import { Announcer } from "./announce.js";
import { attribute, part, show, text } from "./dom.js";
import { plain } from "./format.js";
import { watchKeys } from "./keys.js";
import { isEverything } from "./listing.js";
import { Presence } from "./presence.js";
import { Store } from "./store.js";
import { startTicking } from "./tick.js";
import { fill, t } from "./words.js";
import { detailView } from "./views/detail.js";
import { feedView } from "./views/feed.js";
import { handoverView } from "./views/handover.js";
import { focusView } from "./views/focus.js";
import { InFront } from "./views/looking.js";
import { noticesView } from "./views/notices.js";
import { overviewView } from "./views/overview.js";
import { reportView } from "./views/report.js";
import { scrollingView, short } from "./views/scrolling.js";
import { selectionView } from "./views/selection.js";
import { settingsView } from "./views/settings.js";
import { shortcuts } from "./views/shortcuts.js";
import { signInView } from "./views/sign-in.js";
import { snoozesView } from "./views/snoozes.js";
import { statusView } from "./views/status.js";
import { undoView } from "./views/undo.js";
import { veilView } from "./views/veil.js";

/** How long the page may stay empty in sight before it says that it is starting. */
const PATIENCE = 600;

const store = new Store();
const now = () => store.now();
const act = actions(store);
/** One column: an alert opens over the list. */
const narrow = matchMedia(`(width < 45rem), ${short.media}`);

fill(document);
watchKeys();
startTicking(now);

const detail = detailView(act, now, () => store.state);
const selection = selectionView(act, () => store.state);
const inFront = new InFront(act.looks);
const presence = new Presence(act.came, act.stays);
const announcer = new Announcer(part(document, "say"), part(document, "alarm"));
const views = [
  paintPlace,
  veilView(),
  statusView(act, now),
  noticesView(act),
  handoverView(act, now),
  feedView(act, now),
  selection.paint,
  overviewView(act, now),
  detail.paint,
  undoView(act, now),
  snoozesView(act),
  signInView(act),
  reportView(act, now),
  settingsView(act, now),
  scrollingView(),
  shortcuts(() => store.state, act, detail, selection),
  focusView(),
];
store.onPaint((state) => views.forEach((paint) => paint(state)));
store.onEvent((before, after, event) => {
  announcer.hear(before, after, event);
  if (event.type === "started") inFront.forget();
  if (before.session?.user_id !== after.session?.user_id) {
    presence.forget();
    if (after.ready && after.session !== null && !document.hidden) presence.active(performance.now());
  }
  inFront.at(after.place === "feed" ? (after.shown?.id ?? null) : null);
  if (event.type === "opened" && narrow.matches) requestAnimationFrame(() => detail.focus());
});
narrow.addEventListener("change", () => paintPlace(store.state));
part(document, "feed").addEventListener("entered", () => requestAnimationFrame(() => detail.focus()));

for (const kind of ["pointerdown", "keydown", "visibilitychange"]) {
  document.addEventListener(kind, () => !document.hidden && store.state.ready && presence.active(performance.now()), true);
}

let waiting = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
document.addEventListener("visibilitychange", waitForStart);
waitForStart();
act.start();

/** Out of sight nobody waits: a spare window's page is answered once the window is shown. */
function waitForStart() {
  clearTimeout(waiting);
  if (!document.hidden && !store.state.ready) waiting = setTimeout(() => paintStart(store.state), PATIENCE);
}

/** @param {State} state */
function paintPlace(state) {
  const { settings, place, shown, feed, counts } = state;
  attribute(document.documentElement, "data-theme", settings && settings.theme !== "system" ? settings.theme : null);
  const alerts = part(document, "alerts");
  show(alerts, state.ready && place === "feed");
  attribute(alerts, "data-detail", shown ? "open" : null);
  attribute(alerts, "data-feed", isEmpty(feed) && counts.cleared === 0 ? "empty" : null);
  part(document, "feed").inert = narrow.matches && shown !== null;
  if (state.ready) show(part(document, "start"), false);
  else if (state.failure !== null) paintStart(state);
}

/** There is nothing at all, as opposed to nothing that was asked for. @param {State["feed"]} feed */
function isEmpty({ items, phase, query }) {
  return items.length === 0 && phase === "ready" && isEverything(query);
}

/** @param {State} state */
function paintStart(state) {
  if (state.ready) return;
  const sentence = state.failure === null ? t("page.start.waiting") : plain(state.failure, 300);
  text(part(document, "start-sentence"), sentence);
}
