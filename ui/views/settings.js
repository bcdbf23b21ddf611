/**
 * The settings: each change is asked for at once, and shown as it is when the program refuses it.
 *
 * @import { SettingsView, Theme } from "../types.d.ts"
 * @import { State } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { attribute, clone, keyed, part, partOf, show, text } from "../dom.js";
import { plain } from "../format.js";
import { onChoice, onPress } from "../keys.js";
import { readTime } from "../ledger.js";
import { t } from "../words.js";
import { drillView } from "./drill.js";
import { hoursView } from "./hours.js";

const SWITCHES = /** @type {const} */ (["start_at_sign_in", "notifications", "picture_in_notification", "sound", "blur"]);

/** Whole numbers that are chosen in a field. */
const NUMBERS = /** @type {const} */ (["keep_days", "cooldown_minutes", "repeat_minutes", "acknowledgement_timeout_minutes"]);

/** When the alert path is tested unless another time is chosen. */
const DRILL_AT = "09:00";

/**
 * @param {Actions} act
 * @param {() => number} now
 */
export function settingsView(act, now) {
  const root = part(document, "settings-page");
  const paintDrill = drillView(part(root, "settings-drill"), act, now);
  const paintHours = hoursView(part(root, "settings-hours"), act, now);
  let painted = /** @type {State | null} */ (null);

  onPress(part(root, "settings-back"), () => act.go("feed"));
  for (const name of SWITCHES) box(root, name).addEventListener("change", () => act.change({ [name]: box(root, name).checked }));
  for (const radio of radios(root, "theme")) {
    radio.addEventListener("change", () => act.change({ theme: /** @type {Theme} */ (radio.value) }));
  }
  for (const name of NUMBERS) {
    const field = box(root, name);
    onChoice(field, () => {
      const wanted = Math.round(field.valueAsNumber);
      if (wanted >= Number(field.min) && wanted <= Number(field.max)) act.change({ [name]: wanted });
      else if (painted?.settings) field.value = String(painted.settings[name]);
    });
  }

  const volume = box(root, "sound_volume");
  volume.addEventListener("input", () => paintVolume(root, volume.valueAsNumber));
  onChoice(volume, () => {
    paintVolume(root, volume.valueAsNumber);
    act.change({ sound_volume: volume.valueAsNumber });
  });
  onPress(part(root, "sound-play"), () => act.trySound(volume.valueAsNumber));

  const [daily, drillAt] = [box(root, "drill_daily"), box(root, "drill_at")];
  daily.addEventListener("change", () => act.change({ drill_at: daily.checked ? (readTime(drillAt.value) ?? DRILL_AT) : null }));
  onChoice(drillAt, () => {
    const wanted = readTime(drillAt.value);
    if (wanted !== null && daily.checked) act.change({ drill_at: wanted });
    else if (wanted === null) drillAt.value = painted?.settings?.drill_at ?? DRILL_AT;
  });

  onPress(part(root, "sign-out"), () => {
    act.ask("sign_out");
    requestAnimationFrame(() => part(root, "sign-out-no").focus());
  });
  const decline = () => {
    act.ask(null);
    requestAnimationFrame(() => part(root, "sign-out").focus());
  };
  onPress(part(root, "sign-out-no"), decline);
  onPress(part(root, "sign-out-yes"), () => act.signOut(radios(root, "erase").some((radio) => radio.checked && radio.value === "erase")));
  part(root, "sign-out-question").addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    decline();
  });

  /** @param {State} state */
  return function paint(state) {
    const shown = state.ready && state.place === "settings";
    const came = shown && root.hidden;
    show(root, shown);
    if (!shown || state === painted) return;
    painted = state;
    if (came) part(root, "settings-back").focus();
    paintDrill(state);

    const settings = state.wanted ?? state.settings;
    if (settings) paintSettings(root, settings, cameras(state, settings), act);
    if (settings) paintHours(settings, state.hours);
    show(part(root, "settings-problem"), state.unwanted !== null);
    text(part(root, "settings-problem"), plain(state.unwanted ?? "", 300));
    show(part(root, "popups"), state.popups !== null);
    text(part(root, "popups"), plain(state.popups?.sentence ?? "", 400));
    paintAccount(root, state);
    text(part(root, "version"), t("page.settings.version", { version: state.version }));
  };
}

/**
 * @param {HTMLElement} root
 * @param {SettingsView} settings
 * @param {[string, string][]} names
 * @param {Actions} act
 */
function paintSettings(root, settings, names, act) {
  for (const name of SWITCHES) box(root, name).checked = settings[name];
  box(root, "picture_in_notification").disabled = !settings.notifications;
  box(root, "sound").disabled = !settings.notifications;
  const volume = box(root, "sound_volume");
  volume.disabled = !settings.notifications || !settings.sound;
  if (document.activeElement !== volume) volume.value = String(settings.sound_volume);
  paintVolume(root, volume.valueAsNumber);
  attribute(part(root, "sound-play"), "aria-disabled", volume.disabled ? "true" : null);
  for (const radio of radios(root, "theme")) radio.checked = radio.value === settings.theme;
  for (const name of NUMBERS) {
    const field = box(root, name);
    if (document.activeElement !== field) field.value = String(settings[name]);
  }
  for (const name of /** @type {const} */ (["repeat_minutes", "acknowledgement_timeout_minutes"])) box(root, name).disabled = !settings.notifications;
  box(root, "cooldown_minutes").disabled = !settings.notifications || !settings.sound;
  paintDaily(root, settings.drill_at);

  show(part(root, "no-cameras"), names.length === 0);
  keyed(part(root, "cameras"), names, ([stream]) => stream, ([stream]) => camera(stream, act), (row, [, name]) => {
    const input = partOf(row, "name", HTMLInputElement);
    if (document.activeElement !== input) input.value = name;
    row.dataset.names = JSON.stringify(settings.camera_names);
  });
}

/**
 * @param {HTMLElement} root
 * @param {number} percent
 */
function paintVolume(root, percent) {
  const words = t("page.settings.volume_value", { percent });
  text(part(root, "sound-value"), words);
  attribute(box(root, "sound_volume"), "aria-valuetext", words);
}

/**
 * @param {HTMLElement} root
 * @param {string | null} at
 */
function paintDaily(root, at) {
  box(root, "drill_daily").checked = at !== null;
  const time = box(root, "drill_at");
  time.disabled = at === null;
  if (document.activeElement !== time && (at !== null || time.value === "")) time.value = at ?? DRILL_AT;
}

/**
 * The cameras that have a name, and those in the list that have none yet.
 *
 * @param {State} state
 * @param {SettingsView} settings
 */
function cameras({ feed }, settings) {
  const names = new Map(Object.entries(settings.camera_names));
  for (const item of feed.items) {
    if (item.type === "incident" && item.stream_id !== null && !names.has(item.stream_id)) names.set(item.stream_id, "");
  }
  return [...names];
}

/**
 * @param {string} stream
 * @param {Actions} act
 */
function camera(stream, act) {
  const row = clone("camera");
  const input = partOf(row, "name", HTMLInputElement);
  input.id = `camera-${stream}`;
  row.querySelector("label")?.setAttribute("for", input.id);
  text(part(row, "stream"), t("page.settings.camera", { stream: plain(stream, 8).replace("…", "") }));
  part(row, "stream").title = plain(stream, 100);
  input.addEventListener("change", () => {
    const names = { ...JSON.parse(row.dataset.names ?? "{}"), [stream]: input.value.trim() };
    act.change({ camera_names: Object.fromEntries(Object.entries(names).filter(([, name]) => name !== "")) });
  });
  return row;
}

/**
 * @param {HTMLElement} root
 * @param {State} state
 */
function paintAccount(root, { session, question }) {
  show(part(root, "account"), session !== null);
  if (session === null) return;
  text(part(root, "account-name"), `${plain(session.name, 80)} · ${plain(session.email, 120)}`);
  const kept = session.kept_in === "keychain" ? t("page.account.keychain") : t("page.account.memory");
  text(part(root, "account-where"), `${plain(session.server, 120)}. ${kept}`);
  show(part(root, "account-password"), session.password_kept);
  text(part(root, "account-password"), t("page.account.password_kept"));
  show(part(root, "sign-out-question"), question === "sign_out");
  show(part(root, "sign-out"), question !== "sign_out");
}

/**
 * @param {HTMLElement} root
 * @param {string} name
 */
function box(root, name) {
  const input = root.querySelector(`input[name="${name}"]`);
  if (!(input instanceof HTMLInputElement)) throw new Error(`no input ${name}`);
  return input;
}

/**
 * @param {HTMLElement} root
 * @param {string} name
 */
function radios(root, name) {
  return /** @type {HTMLInputElement[]} */ ([...root.querySelectorAll(`input[name="${name}"]`)]);
}
