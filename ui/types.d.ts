// The shapes of what the page is told and asks for. Written from crates/client/src/view.rs by `cargo xtask types`;
// a test fails when the two differ. Do not edit.

/**
 * Everything the page needs to start.
 */
export type Snapshot = { version: string,
/**
 * The computer's clock when this was made, so that the page can show ages without trusting its own.
 */
now: number, status: StatusView,
/**
 * Nobody is signed in: none.
 */
session: SessionView | null, counts: Counts, feed: FeedPage, settings: SettingsView, notices: Array<NoticeView>, drill: DrillView,
/**
 * What notifications can do here; none until it is known.
 */
popups: PopupsView | null,
/**
 * Cameras that are not to interrupt for now.
 */
snoozes: Array<SnoozeView>,
/**
 * Whether the shop is open; none where nobody said when it is.
 */
hours: HoursView | null, };

/**
 * The status with its evidence.
 */
export type StatusView = { status: Status,
/**
 * A stable code of the reason, such as `refused`, `silent`, `token_expired`, `slot_taken`.
 */
reason: string,
/**
 * What happened and what to do, one or two plain sentences; never empty.
 */
sentence: string,
/**
 * When this status began.
 */
since: number,
/**
 * When anything was last heard on the socket.
 */
heard_at: number | null,
/**
 * When the next attempt starts, while waiting for one.
 */
next_attempt_at: number | null,
/**
 * Without a connection, where alerts are fetched from the server's record: how often, in seconds.
 */
record_every: number | null,
/**
 * What one button may do about it.
 */
remedy: Remedy | null, };

/**
 * The one word.
 */
export type Status = "protected" | "catching_up" | "deaf" | "offline" | "signed_out";

/**
 * The one button beside a status.
 */
export type Remedy = "retry_now" | "sign_in";

/**
 * Who is signed in, and where.
 */
export type SessionView = { server: string,
/**
 * Traffic is not encrypted and leaves this machine.
 */
insecure: boolean, user_id: string, name: string, email: string,
/**
 * `keychain` or `memory`: where the token is kept.
 */
kept_in: Keeping,
/**
 * The password is kept beside it, to sign in again by itself.
 */
password_kept: boolean, };

/**
 * Where the token is kept.
 */
export type Keeping = "keychain" | "memory";

export type Counts = {
/**
 * Incidents nobody has decided on, whatever is in view.
 */
unhandled: number,
/**
 * Incidents nobody has looked at.
 */
unseen: number,
/**
 * Incidents in view.
 */
total: number,
/**
 * Incidents out of view.
 */
cleared: number,
/**
 * Incidents since local midnight.
 */
today: number, };

/**
 * One incident: the alerts of one camera and person whose pauses stay under a minute.
 */
export type Incident = { id: string, kind: IncidentKind, severity: Severity,
/**
 * Why the severity is what it is: "score 3.5, third time in 5 minutes".
 */
why: string,
/**
 * The camera's name as the person gave it, or a short form of the stream's id.
 */
camera: string,
/**
 * The camera stream as the backend names it.
 */
stream_id: string | null, shop: string | null, person: string | null, first_at: number, last_at: number,
/**
 * How many alerts it holds.
 */
alerts: number,
/**
 * The newest alert with a picture; its `frame://` id.
 */
cover: string | null, source: Source, handling: Handling,
/**
 * What came of it, if anybody said.
 */
outcome: Disposition | null,
/**
 * Whose the decision is, by name; none where it is that of who is signed in here, or nobody knows.
 */
by: string | null,
/**
 * It was decided on with others, and nobody had opened it.
 */
unopened: boolean, seen: boolean,
/**
 * Taken out of view: listed among [`FeedFilter::Cleared`] alone.
 */
cleared: boolean,
/**
 * When it happened, where it came live but late: `first_at` and `last_at` are when it came.
 */
late: Late | null, };

/**
 * When that happened which came late, by this computer's clock.
 */
export type Late = { from: number, to: number,
/**
 * "Came late, 1 min 10 s."
 */
sentence: string, };

export type IncidentKind = "theft" | "intrusion" | "other";

export type Severity = "low" | "medium" | "high";

/**
 * How it came: on the socket, or out of the record afterwards.
 */
export type Source = "live" | "history";

/**
 * What was decided about an incident, and whether the server knows.
 */
export type Handling = { "state": "open" } | { "state": "sending", decision: Decision,
/**
 * Until when it can be taken back, and is not sent: milliseconds since 1970, by this computer's clock.
 */
undo_until: number | null, } | { "state": "recorded", decision: Decision,
/**
 * Decided on this computer.
 */
here: boolean, at: number, } | { "state": "reopened",
/**
 * Opened again on this computer.
 */
here: boolean,
/**
 * The server has it.
 */
sent: boolean, at: number,
/**
 * As of a decision that is sending.
 */
undo_until: number | null, } | { "state": "refused", decision: Decision, sentence: string, };

export type Decision = "acknowledged" | "resolved" | "false_alarm" | "reopened";

/**
 * What came of what was resolved, or why there was a false alarm. Nobody has to say.
 */
export type Disposition = "police_called" | "goods_recovered" | "sent_away" | "staff_saw_to_it" | "nothing_found" | "staff_member" | "own_goods" | "camera_or_light" | "nobody_there" | "other";

/**
 * One alert of an incident, for its strip of frames and its details.
 */
export type AlertView = {
/**
 * Our own id; also the `frame://` id.
 */
id: string,
/**
 * The record's id, once known.
 */
anomaly_id: string | null,
/**
 * By the server's clock.
 */
detected_at: number | null,
/**
 * The same by this computer's clock, where the difference of the two is known.
 */
detected_here: number | null, received_at: number, notified_at: number | null,
/**
 * When its ack was sent to the server.
 */
acked_at: number | null, source: Source, score: number | null, frame: FrameView | null,
/**
 * Why there is no picture, or why it cannot be shown; else what there is to say about it.
 */
frame_problem: string | null, };

export type FrameView = { width: number, height: number, bytes: number,
/**
 * Where the person is, in the picture's pixels: x, y, width, height.
 */
bounding_box: [number, number, number, number] | null, };

/**
 * One incident with its alerts, oldest first (the newest 200 of them).
 */
export type IncidentDetail = { incident: Incident, alerts: Array<AlertView>,
/**
 * What was written about it on this computer.
 */
note: string | null,
/**
 * Of that, or of what came of it, the server is not told all yet.
 */
note_waits: boolean,
/**
 * What others wrote about it.
 */
notes: Array<NoteView>,
/**
 * The backend's own words, hostile text.
 */
text: string | null, };

/**
 * What somebody wrote about an incident, as the server's record has it: hostile text.
 */
export type NoteView = { text: string,
/**
 * Who, by name, where that is told.
 */
by: string | null, };

export type FeedFilter = "all" | "unhandled" | "cleared";

/**
 * What comes back into view.
 */
export type BringBack = { "which": "one", incident: string, } | { "which": "cleared_at", at: number, } | { "which": "listed", query: FeedQuery, };

/**
 * What was taken out of view.
 */
export type Cleared = { incidents: number,
/**
 * When, to have it back.
 */
at: number, };

/**
 * Which part of the feed: newest first.
 */
export type FeedQuery = { filter: FeedFilter,
/**
 * Words to look for in camera, shop, kind, note and the server's text, and a time as people write it; empty for all.
 */
search: string,
/**
 * Only incidents of this severity.
 */
severity: Severity | null,
/**
 * Only incidents of this shop, by its id in [`FeedPage::shops`].
 */
shop: string | null,
/**
 * Only incidents of this camera, by the id of its stream.
 */
camera: string | null, kind: IncidentKind | null,
/**
 * Only what was decided like this, here or elsewhere, and what is being sent.
 */
decision: Decision | null,
/**
 * Only what these decided on.
 */
who: Who | null,
/**
 * Only what began at this moment or later, and the outages that went on until then.
 */
since: number | null,
/**
 * Only what began before this moment.
 */
until: number | null,
/**
 * Older ones than this: the cursor of the page before, or the id of a row.
 */
before: string | null,
/**
 * Newer ones than this, the nearest of them.
 */
after: string | null,
/**
 * From where the list was at this moment.
 */
at: number | null, };

/**
 * At most 50 incidents.
 */
export type FeedPage = { items: Array<FeedItem>,
/**
 * Hand this back as `before` for older ones; none at the end.
 */
next: string | null,
/**
 * Hand this back as `after` for newer ones; none at the top, and where older ones were asked for.
 */
previous: string | null,
/**
 * How many rows are above the first, where [`FeedQuery::at`] was asked for and that can be told.
 */
above: number | null,
/**
 * The shops that the whole feed holds incidents of, by name.
 */
shops: Array<ShopView>,
/**
 * The cameras of the incidents that are here, by name; told with the first page.
 */
cameras: Array<CameraView>,
/**
 * Where the search means a time: which.
 */
understood: Understood | null, };

/**
 * A shop to narrow the feed to.
 */
export type ShopView = { id: string, name: string, };

/**
 * A camera to narrow the feed to.
 */
export type CameraView = {
/**
 * The id of its stream.
 */
id: string, name: string, };

/**
 * Who decided.
 */
export type Who = "me" | "others";

/**
 * A search that means a time.
 */
export type Understood = {
/**
 * What else it looks for.
 */
words: string, from: number,
/**
 * Before this moment.
 */
to: number, };

/**
 * A row of the feed.
 */
export type FeedItem = { "type": "incident" } & Incident | { "type": "outage", id: string, from: number, to: number | null, caught_up: number, sentence: string, };

/**
 * What happened since a person last looked.
 */
export type Handover = {
/**
 * When that was.
 */
since: number,
/**
 * Incidents that began since.
 */
incidents: number,
/**
 * How many of them nobody has decided on.
 */
unhandled: number,
/**
 * Incidents about which somebody decided elsewhere, whenever they began.
 */
decided_elsewhere: number,
/**
 * Incidents that somebody opened again elsewhere, and that are open.
 */
reopened_elsewhere: number,
/**
 * Times without a connection.
 */
outages: number, offline_ms: number, };

/**
 * Which time a report is about, in milliseconds: from this one, before that one.
 */
export type ReportQuery = { from: number, to: number, };

/**
 * What became of every alert of a time, and when none could have come.
 */
export type Report = { from: number, to: number,
/**
 * Detections stored, without those that were in the record before this computer first read it.
 */
alerts: number,
/**
 * How many those were: they are in the list, and their way was not measured.
 */
unmeasured: number,
/**
 * Where there are such, when this computer first read the record.
 */
measured_since: number | null,
/**
 * Of how many incidents, which is what the list shows.
 */
incidents: number,
/**
 * Of these, how many came on the socket.
 */
live: number,
/**
 * Of these, how many came out of the record afterwards.
 */
caught_up: number,
/**
 * Rows that the server's record is known to hold and this computer does not.
 */
lost: number,
/**
 * Times of which it is not certain that every alert is here, or was not for a while.
 */
gaps: Array<Gap>,
/**
 * From the detection to the notification, of what came on the socket: what is caught up on is told in one popup.
 */
to_popup: Spread,
/**
 * From the detection to the decision.
 */
to_action: Spread,
/**
 * Times without a connection, oldest first.
 */
outages: Array<Outage>,
/**
 * How long there was no connection within this time.
 */
offline_ms: number, drills_passed: number, drills_failed: number,
/**
 * The same time as the shop saw it.
 */
activity: Activity,
/**
 * The newest 500, newest first.
 */
entries: Array<LedgerEntry>, };

/**
 * The incidents of a time, by where and when they began.
 */
export type Activity = {
/**
 * All of them, also those that were in the record before this computer first read it.
 */
total: Tally,
/**
 * Most incidents first.
 */
cameras: Array<Part>,
/**
 * Most incidents first; those of no known store last.
 */
stores: Array<Part>,
/**
 * By the hour of day at this computer's place, midnight's first: 24.
 */
hours: Array<number>,
/**
 * By day, every day of the time, in its order.
 */
days: Array<DayTally>, };

/**
 * Incidents of one camera or one store.
 */
export type Part = {
/**
 * The stream's or the store's id; none where it is not known.
 */
id: string | null, name: string,
/**
 * Of a camera, its store where that is known.
 */
store: string | null, tally: Tally, };

/**
 * Incidents of one day.
 */
export type DayTally = {
/**
 * Its midnight.
 */
at: number, incidents: number, false_alarms: number, };

/**
 * How many incidents there were, and what was decided about them.
 */
export type Tally = { incidents: number,
/**
 * Nobody has decided, or the server would not take the decision.
 */
open: number, acknowledged: number, resolved: number, false_alarms: number,
/**
 * From an incident's beginning to the decision, where both times are known.
 */
to_decision: Spread, };

/**
 * Half took no longer than the median, 95 of 100 no longer than the other.
 */
export type Spread = {
/**
 * Of how many both ends are known.
 */
count: number, median_ms: number | null, p95_ms: number | null, };

/**
 * A time of which alerts may be missing.
 */
export type Gap = {
/**
 * None: not known.
 */
from: number | null, to: number,
/**
 * A later comparison with the record was complete: nothing is missing any more.
 */
filled: boolean, sentence: string, };

/**
 * A time without a connection.
 */
export type Outage = { from: number,
/**
 * None: it goes on.
 */
to: number | null,
/**
 * A stable code, as a status's `reason`.
 */
cause: string, sentence: string,
/**
 * How many alerts were caught up on after it.
 */
caught_up: number, };

/**
 * One alert's way, each step with its time where it was taken.
 */
export type LedgerEntry = { alert: string, incident: string, camera: string, severity: Severity, source: Source,
/**
 * By the server's clock.
 */
detected_at: number | null,
/**
 * The same by this computer's clock, where the difference of the two is known.
 */
detected_here: number | null, received_at: number,
/**
 * When it was on the disk.
 */
stored_at: number, notified_at: number | null, seen_at: number | null,
/**
 * When a person decided on it, here or elsewhere.
 */
acted_at: number | null, };

/**
 * A standing remark at the top of the page: no keychain, no notification daemon, a damaged journal.
 */
export type NoticeView = {
/**
 * Stable: `no_keychain`, `keychain_locked`, `no_notifications`, `journal_unwritable`, `insecure_server`.
 */
code: string, sentence: string,
/**
 * It tells what happened, and a person who has read it can close it. The others stand as long as what they say does.
 */
closable: boolean, };

/**
 * What notifications can do on this desktop.
 */
export type PopupsView = {
/**
 * An alert can be acknowledged with a button of its notification.
 */
buttons: boolean,
/**
 * Who shows them and what they can do; without buttons, how an alert is acknowledged all the same.
 */
sentence: string, };

/**
 * A camera that is not to interrupt for now.
 */
export type SnoozeView = {
/**
 * The id of its stream.
 */
camera: string, name: string,
/**
 * Who asked for it.
 */
by: string,
/**
 * What for, in their words.
 */
why: string | null, until: number, };

/**
 * For how long a camera is not to interrupt.
 */
export type SnoozeLength = { "minutes": number } | "opening" | "closing";

/**
 * Whether the shop is open, by the hours that the person chose.
 */
export type HoursView = { open: boolean,
/**
 * When it closes, or opens; none where it never does.
 */
until: number | null, };

/**
 * Tests of the alert path: the one under way and the last.
 */
export type DrillView = { running: boolean,
/**
 * Of the account that is signed in; none if there was none yet.
 */
last: DrillResult | null, };

/**
 * How a test of the alert path ended.
 */
export type DrillResult = {
/**
 * When it ended.
 */
at: number, passed: boolean,
/**
 * From the request to the notification, where it came that far.
 */
took_ms: number | null,
/**
 * How far it came and what to do, in plain words.
 */
sentence: string, };

/**
 * The settings a person may change; all documented in `docs/settings.md`.
 */
export type SettingsView = {
/**
 * Start the program when the person signs in to the computer.
 */
start_at_sign_in: boolean,
/**
 * Raise native notifications.
 */
notifications: boolean,
/**
 * Put the picture into the notification.
 */
picture_in_notification: boolean, sound: boolean,
/**
 * How loud it is, 0 to 100.
 */
sound_volume: number,
/**
 * Blur pictures on the page until they are pointed at.
 */
blur: boolean, theme: Theme,
/**
 * Days to keep pictures, 1 to 365.
 */
keep_days: number,
/**
 * When the alert path is tested each day: "HH:MM", local time; none for never.
 */
drill_at: string | null,
/**
 * When the shop is open: each day's spans, Monday first, such as "08:00-12:00, 14:00-18:00", nothing where it is closed;
 * none where nobody said so.
 */
opening_hours: Array<string> | null,
/**
 * After a camera sounded, its further incidents pop up without a sound for so many minutes; 0: all sound.
 */
cooldown_minutes: number,
/**
 * What is high and nobody handled is told again each so many minutes; 0: never.
 */
repeat_minutes: number,
/**
 * What was acknowledged here and is not resolved is told again each so many minutes; 0: never.
 */
acknowledgement_timeout_minutes: number,
/**
 * Names for camera streams: stream id to name.
 */
camera_names: { [key in string]: string }, };

export type Theme = "system" | "light" | "dark";

/**
 * Why a command was not carried out, in a plain sentence.
 */
export type Problem = {
/**
 * Stable: `wrong_password`, `wrong_address`, `unreachable`, `portal`, `server_error`, `invalid`, `unknown_incident` and so on.
 */
code: string, sentence: string,
/**
 * The field at fault: `server`, `email`, `password`.
 */
field: string | null, };

/**
 * What the page is told while it is open. Small: ids and short fields, no picture.
 */
export type Event = { "type": "status", status: StatusView, } | { "type": "session", session: SessionView | null, } | { "type": "alert_added", incident: Incident, alert: AlertView, counts: Counts, } | { "type": "alert_changed", incident: string, alert: AlertView, } | { "type": "incident_changed", incident: Incident, counts: Counts, } | { "type": "counted", counts: Counts, } | { "type": "incidents_removed", ids: Array<string>, counts: Counts, } | { "type": "feed_changed", counts: Counts, } | { "type": "settings", settings: SettingsView, } | { "type": "notices", notices: Array<NoticeView>, } | { "type": "drill", drill: DrillView, } | { "type": "popups", popups: PopupsView, } | { "type": "snoozes", snoozes: Array<SnoozeView>, } | { "type": "hours", hours: HoursView | null, } | { "type": "beat" } | { "type": "open", incident: string, };
