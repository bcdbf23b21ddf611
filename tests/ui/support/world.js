/**
 * Believable worlds for the page: a shop's day, and the days when something is wrong.
 *
 * @import {
 *   AlertView, DrillView, FeedItem, Handling, Incident, IncidentDetail, Report, Snapshot, StatusView
 * } from "../../../ui/types.d.ts"
 */

import { report } from "./reports.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/**
 * @typedef {object} World
 * @property {Snapshot | null} snapshot
 * @property {Record<string, IncidentDetail>} details
 * @property {FeedItem[]} older
 * @property {Report} report of whatever time is asked about
 * @property {string} frames
 *
 * @typedef {"full" | "empty" | "quiet" | "offline" | "catching_up" | "deaf" | "signed_out" | "sign_in" | "storm" | "blur" | "by_record"} Scenario
 */

/** The shops of the alerts. */
export const SHOPS = [
  { id: "s1", name: "Main Street" },
  { id: "s2", name: "Station Road" },
];
/** What a page says beside its rows. @type {Omit<import("../../../ui/types.d.ts").FeedPage, "items">} */
export const NO_PAGE = { next: null, previous: null, above: null, shops: [], cameras: [], understood: null };
export const SCENES = ["aisle", "till", "door", "stock"];

/**
 * @param {Scenario} scenario
 * @param {number} now
 * @returns {World}
 */
export function world(scenario, now) {
  const incidents = scenario === "storm" ? storm(now) : scenario === "empty" || scenario === "sign_in" ? [] : day(now);
  if (scenario === "quiet") for (const item of incidents) Object.assign(item, handled(item, now));
  const outage = /** @type {FeedItem} */ ({
    type: "outage",
    id: "o1",
    from: now - 112 * MINUTE,
    to: now - 100 * MINUTE,
    caught_up: 3,
    sentence: "Caught up since then: 3 alerts.",
  });
  /** @type {FeedItem[]} */
  const items = incidents.map((incident) => ({ type: "incident", ...incident }));
  if (items.length > 0 && scenario !== "storm") items.splice(4, 0, outage);
  const open = incidents.filter(({ handling }) => handling.state === "open" || handling.state === "refused").length;

  return {
    frames: "",
    older: [],
    report: report(incidents, scenario === "offline" ? "outage" : "day", now),
    details: Object.fromEntries(incidents.map((incident) => [incident.id, detail(incident)])),
    snapshot: {
      version: "0.1.0",
      now,
      status: status(scenario, now),
      session:
        scenario === "sign_in"
          ? null
          : {
              server: "https://visionguard.example.com",
              insecure: false,
              user_id: "u1",
              name: "Maria Keller",
              email: "maria.keller@example.com",
              kept_in: "keychain",
              password_kept: false,
            },
      counts: {
        unhandled: open,
        unseen: incidents.filter((incident) => !incident.seen).length,
        cleared: 0,
        total: incidents.length,
        today: incidents.filter((incident) => incident.last_at >= new Date(now).setHours(0, 0, 0, 0)).length,
      },
      feed: {
        ...NO_PAGE,
        items: items.slice(0, 50),
        next: items.length > 50 ? "50" : null,
        shops: incidents.length > 0 ? [...SHOPS] : [],
        cameras: [...new Map(incidents.map(({ stream_id, camera }) => [stream_id ?? "", camera]))].map(([id, name]) => ({ id, name })),
      },
      settings: {
        start_at_sign_in: true,
        notifications: true,
        picture_in_notification: false,
        sound: true,
        sound_volume: 70,
        blur: scenario === "blur",
        theme: "system",
        keep_days: 30,
        drill_at: "09:00",
        opening_hours: null,
        acknowledgement_timeout_minutes: 0,
        repeat_minutes: 0,
        cooldown_minutes: 0,
        camera_names: {
          "4e1637a8-d33b-477c-abd6-bbcccab0b4a7": "Aisle 3",
          "9b0c7d52-1f3e-4a7d-8a55-2f6a1f0c9e11": "Till 1",
          "c71f0a7e-5b2d-4c1e-9d0f-6a8b7c5d4e3f": "",
        },
      },
      drill: drill(scenario, now),
      snoozes: [],
      hours: null,
      popups: { buttons: true, sentence: "Notifications are shown by Xfce Notify Daemon 0.7.3. They have buttons to acknowledge, to view and to snooze." },
      notices:
        scenario === "deaf"
          ? [{ code: "no_notifications", sentence: "This computer has no notification service. Alerts appear only in this window.", closable: false }]
          : [],
    },
  };
}

/** @param {Partial<Incident> & { id: string }} values @returns {Incident} */
export function incident(values) {
  const at = values.last_at ?? 1_763_700_000_000;
  return {
    kind: "theft",
    severity: "high",
    why: "score 3.5, third time in 5 minutes",
    camera: "Aisle 3",
    stream_id: "4e1637a8-d33b-477c-abd6-bbcccab0b4a7",
    shop: "Main Street",
    person: "7",
    first_at: at,
    last_at: at,
    alerts: 1,
    cover: `${values.id}00`,
    source: "live",
    handling: { state: "open" },
    outcome: null,
    by: null,
    unopened: false,
    seen: false,
    cleared: false,
    late: null,
    ...values,
  };
}

/** @param {Partial<AlertView> & { id: string }} values @returns {AlertView} */
export function alert(values) {
  const { detected_at = 1_763_700_000_000 } = values;
  return {
    anomaly_id: null,
    detected_at,
    detected_here: detected_at,
    received_at: 1_763_700_000_600,
    notified_at: null,
    acked_at: null,
    source: "live",
    score: -3.5,
    frame: { width: 1280, height: 720, bytes: 90_000, bounding_box: [560, 190, 150, 380] },
    frame_problem: null,
    ...values,
  };
}

/** @param {Incident} incident @returns {IncidentDetail} */
export function detail(incident) {
  const count = Math.min(incident.alerts, 24);
  const step = count > 1 ? (incident.last_at - incident.first_at) / (count - 1) : 0;
  const alerts = Array.from({ length: count }, (_, index) => {
    const at = incident.first_at + Math.round(step * index);
    const late = incident.source === "live" ? 600 : 11 * MINUTE;
    return alert({
      id: `${incident.id}${String(index).padStart(2, "0")}`,
      detected_at: at,
      received_at: at + late,
      source: incident.source,
      frame:
        incident.cover === null
          ? null
          : { width: 1280, height: 720, bytes: 90_000, bounding_box: around(Number(incident.id) % 4, index % 6) },
      frame_problem: incident.cover === null ? "The picture was damaged on the way." : null,
    });
  });
  return { incident, alerts, note: null, note_waits: false, notes: [], text: null };
}

/**
 * Where the person stands in a drawn scene.
 *
 * @param {number} scene
 * @param {number} step
 * @returns {[number, number, number, number]}
 */
function around(scene, step) {
  if (scene === 0) return [520 + step * 5, 210, 210, 400];
  if (scene === 1) return [880 + step * 6, 215, 210, 435];
  if (scene === 2) return [545 + step * 6, 225, 200, 385];
  return [490 + step * 8, 250, 215, 410];
}

/** @param {number} now @returns {Incident[]} */
function day(now) {
  /** @type {(ago: number, here?: boolean, decision?: "acknowledged" | "false_alarm" | "resolved") => Handling} */
  const recorded = (ago, here = true, decision = "acknowledged") => ({ state: "recorded", decision, here, at: now - ago });
  const at = (/** @type {number} */ minutes, /** @type {number} */ seconds = 0) => now - minutes * MINUTE - seconds * 1_000;
  return [
    incident({ id: "12", last_at: at(1, 12), first_at: at(1, 50), alerts: 12, cover: "1211" }),
    incident({ id: "13", last_at: at(26), first_at: at(26, 4), alerts: 4, camera: "Till 1", severity: "medium", why: "score 1.8, first time today", cover: "1303", person: "3" }),
    incident({ id: "14", last_at: at(51), kind: "other", severity: "low", camera: "Back door", why: "score 0.9", seen: true, cover: "1400", handling: recorded(44 * MINUTE) }),
    incident({ id: "15", last_at: at(78), first_at: at(78, 20), alerts: 7, camera: "Stock room", why: "score 2.9, second time today", seen: true, cover: "1506", handling: { state: "sending", decision: "acknowledged", undo_until: null } }),
    incident({ id: "16", last_at: at(104), camera: "Aisle 5", severity: "medium", why: "score 1.4", seen: true, source: "history", cover: null, handling: recorded(96 * MINUTE, false) }),
    incident({ id: "20", last_at: at(190), camera: "Aisle 3", severity: "medium", why: "score 1.6", alerts: 2, first_at: at(190, 8), seen: true, cover: "2001", handling: recorded(180 * MINUTE, true, "false_alarm") }),
    incident({ id: "17", last_at: at(244), camera: "Till 2", severity: "low", kind: "other", why: "score 0.7", seen: true, cover: "1700", handling: { state: "refused", decision: "acknowledged", sentence: "The server no longer knows this alert." } }),
    incident({ id: "18", last_at: now - 14 * HOUR, kind: "intrusion", camera: "Back door", why: "a person 94 minutes after closing", seen: true, alerts: 9, first_at: now - 14 * HOUR - 30_000, cover: "1808", handling: recorded(13 * HOUR, true, "resolved") }),
    incident({ id: "24", last_at: now - 17 * HOUR, camera: "Aisle 3", shop: "Station Road", severity: "low", why: "score 0.8", seen: true, cover: "2400", handling: recorded(16 * HOUR) }),
    incident({ id: "22", last_at: now - 40 * HOUR, camera: "Entrance", shop: "Station Road", severity: "medium", why: "score 1.5", seen: true, cover: "2200", handling: recorded(39 * HOUR, false) }),
  ];
}

/** @param {number} now @returns {Incident[]} */
function storm(now) {
  const cameras = ["Aisle 1", "Aisle 2", "Aisle 3", "Till 1", "Till 2", "Entrance", "Stock room"];
  return Array.from({ length: 120 }, (_, index) => {
    const id = String(1_000 + index);
    return incident({
      id,
      last_at: now - index * 7_000,
      first_at: now - index * 7_000 - 30_000,
      alerts: 30 + (index % 17),
      camera: cameras[index % cameras.length] ?? "Aisle 1",
      severity: index % 3 === 0 ? "high" : index % 3 === 1 ? "medium" : "low",
      person: String(index % 9),
      cover: `${id}00`,
    });
  });
}

/** @param {Incident} incident @param {number} now @returns {Partial<Incident>} */
function handled(incident, now) {
  const handling = /** @type {Handling} */ ({ state: "recorded", decision: "acknowledged", here: true, at: now - HOUR });
  return { seen: true, handling: incident.handling.state === "recorded" ? incident.handling : handling };
}

/** @param {Scenario} scenario @param {number} now @returns {DrillView} */
function drill(scenario, now) {
  if (scenario === "empty" || scenario === "sign_in") return { running: false, last: null };
  const at = new Date(now).setHours(9, 0, 4, 0);
  return { running: false, last: { at, passed: true, took_ms: 840, sentence: "The test alert came back and was shown." } };
}

/** @param {Scenario} scenario @param {number} now @returns {StatusView} */
function status(scenario, now) {
  const calm = { since: now - 5 * HOUR, heard_at: now - 4_000, next_attempt_at: null, record_every: null, remedy: null };
  switch (scenario) {
    case "offline":
      return {
        status: "offline",
        reason: "refused",
        sentence: "The server cannot be reached: it refused the connection.",
        since: now - 12 * MINUTE,
        heard_at: now - 12 * MINUTE,
        next_attempt_at: now + 12_000,
        record_every: null,
        remedy: "retry_now",
      };
    case "deaf":
      return {
        status: "deaf",
        reason: "slot_taken",
        sentence: "Another program of yours receives the alerts. They appear here within 15 seconds instead of at once.",
        since: now - 3 * MINUTE,
        heard_at: now - 2_000,
        next_attempt_at: null,
        record_every: null,
        remedy: "retry_now",
      };
    case "signed_out":
      return {
        status: "signed_out",
        reason: "token_expired",
        sentence: "Your sign-in has run out. Sign in to keep receiving alerts.",
        since: now - 40 * MINUTE,
        heard_at: now - 40 * MINUTE,
        next_attempt_at: null,
        record_every: null,
        remedy: "sign_in",
      };
    case "catching_up":
      return { ...calm, status: "catching_up", reason: "reconciling", sentence: "Looking for alerts that came while you were offline.", since: now - 3_000 };
    case "by_record":
      return { ...calm, status: "protected", reason: "protected_by_record", sentence: "Alerts of this account come by the server's record, which is read every 15 seconds.", record_every: 15 };
    case "sign_in":
      return { ...calm, status: "signed_out", reason: "no_session", sentence: "Sign in to receive alerts.", heard_at: null, remedy: "sign_in" };
    case "full":
    case "empty":
    case "quiet":
    case "storm":
    case "blur":
      return { ...calm, status: "protected", reason: "registered", sentence: "Alerts reach this computer." };
  }
}
