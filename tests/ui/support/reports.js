/**
 * Believable reports: a shop's day, one with an outage going on, one with a gap, and a busy month.
 *
 * @import { Activity, Incident, LedgerEntry, Part, Report, Tally } from "../../../ui/types.d.ts"
 */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/**
 * @param {Incident[]} incidents
 * @param {"day" | "outage" | "gap" | "lost" | "none"} what
 * @param {number} now
 * @returns {Report}
 */
export function report(incidents, what, now) {
  const entries = incidents.slice(0, 500).map(entry);
  const caught = entries.filter((entry) => entry.source === "history").length;
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  const none = what === "none" || entries.length === 0;
  const over = { from: now - 112 * MINUTE, to: now - 100 * MINUTE, cause: "refused", sentence: "The server refused the connection.", caught_up: 3 };
  const open = { from: now - 12 * MINUTE, to: null, cause: "refused", sentence: "The server refused the connection.", caught_up: 0 };
  return {
    from: midnight,
    to: midnight + 24 * HOUR,
    alerts: entries.length,
    incidents: new Set(entries.map((entry) => entry.incident)).size,
    live: entries.length - caught,
    caught_up: caught,
    lost: what === "lost" ? 2 : 0,
    gaps:
      what === "gap"
        ? [
            { from: now - 5 * HOUR, to: now - 5 * HOUR + 22 * MINUTE, filled: false, sentence: "The server has forgotten what came in this time, and its record could not be read to the end." },
            { from: null, to: now - 9 * HOUR, filled: true, sentence: "The record was compared in full at 05:12." },
          ]
        : [],
    to_popup: none ? spread(0, null, null) : spread(entries.length - caught, 640, 1_210),
    to_action: none ? spread(0, null, null) : spread(6, 3 * MINUTE, 22 * MINUTE),
    outages: none ? [] : what === "outage" ? [over, open] : [over],
    offline_ms: none ? 0 : what === "outage" ? 24 * MINUTE : 12 * MINUTE,
    drills_passed: none ? 0 : 1,
    drills_failed: what === "gap" ? 1 : 0,
    unmeasured: what === "gap" ? 1_926 : 0,
    measured_since: what === "gap" ? now - 20 * HOUR : null,
    activity: activity(none ? [] : incidents, midnight),
    entries,
  };
}

/**
 * @param {Incident[]} incidents
 * @param {number} midnight
 * @returns {Activity}
 */
function activity(incidents, midnight) {
  const hours = Array.from({ length: 24 }, () => 0);
  for (const { first_at } of incidents) {
    const hour = new Date(first_at).getHours();
    hours[hour] = (hours[hour] ?? 0) + 1;
  }
  const days = Array.from({ length: 7 }, (_, nth) => new Date(midnight).setDate(new Date(midnight).getDate() - nth)).toReversed();
  const of = (/** @type {number} */ at) => incidents.filter((incident) => new Date(incident.first_at).setHours(0, 0, 0, 0) === at);
  return {
    total: tally(incidents),
    cameras: parts(incidents, ({ camera, shop }) => ({ id: camera, name: camera, store: shop })),
    stores: parts(incidents, ({ shop }) => ({ id: shop, name: shop ?? "", store: null })),
    hours,
    days: days.map((at) => ({ at, incidents: of(at).length, false_alarms: tally(of(at)).false_alarms })),
  };
}

/**
 * @param {Incident[]} incidents
 * @param {(incident: Incident) => Omit<Part, "tally">} where
 * @returns {Part[]}
 */
function parts(incidents, where) {
  const groups = /** @type {Map<string, Incident[]>} */ (new Map());
  for (const incident of incidents) {
    const key = JSON.stringify(where(incident));
    groups.set(key, [...(groups.get(key) ?? []), incident]);
  }
  const found = [...groups].map(([part, of]) => ({ .../** @type {Omit<Part, "tally">} */ (JSON.parse(part)), tally: tally(of) }));
  return found.sort((one, other) => other.tally.incidents - one.tally.incidents);
}

/** @param {Incident[]} incidents @returns {Tally} */
function tally(incidents) {
  const so = (/** @type {string | null} */ decision) =>
    incidents.filter(({ handling }) => (("decision" in handling && handling.state !== "refused") ? handling.decision : null) === decision).length;
  const open = so(null);
  const decided = incidents.length - open;
  const to_decision = decided === 0 ? spread(0, null, null) : spread(decided, 3 * MINUTE, 22 * MINUTE);
  return { incidents: incidents.length, open, acknowledged: so("acknowledged"), resolved: so("resolved"), false_alarms: so("false_alarm"), to_decision };
}

/** @param {number} count @param {number | null} median_ms @param {number | null} p95_ms */
function spread(count, median_ms, p95_ms) {
  return { count, median_ms, p95_ms };
}

/** @param {Incident} incident @returns {LedgerEntry} */
function entry({ id, camera, severity, source, first_at, handling, seen }) {
  const late = source === "live" ? 410 + (Number(id) % 7) * 40 : 11 * MINUTE;
  return {
    alert: `${id}00`,
    incident: id,
    camera,
    severity,
    source,
    detected_at: first_at,
    detected_here: first_at,
    received_at: first_at + late,
    stored_at: first_at + late + 12,
    notified_at: source === "live" ? first_at + late + 190 : null,
    seen_at: seen ? first_at + late + 51_000 : null,
    acted_at: handling.state === "recorded" ? handling.at : null,
  };
}
