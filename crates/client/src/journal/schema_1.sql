-- Times are microseconds since 1970 UTC. Nothing here is trusted to be well-formed text.

CREATE TABLE incident (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         INTEGER NOT NULL,               -- 0 theft, 1 intrusion, 2 other
    stream_id    TEXT,
    person_id    INTEGER,
    shop_id      TEXT,
    location     TEXT,
    text         TEXT,
    first_at     INTEGER NOT NULL,
    last_at      INTEGER NOT NULL,
    alerts       INTEGER NOT NULL,
    top_score    REAL,
    nth          INTEGER NOT NULL,               -- of its camera within five minutes
    cover        INTEGER,                        -- the newest alert with a picture
    live         INTEGER NOT NULL,
    notified_at  INTEGER,
    seen_at      INTEGER,
    dismissed_at INTEGER,
    handling     INTEGER NOT NULL DEFAULT 0,     -- 0 open, 1 sending, 2 recorded, 3 refused
    decision     INTEGER,                        -- 0 acknowledged, 1 resolved, 2 false alarm
    decided_at   INTEGER,
    decided_here INTEGER NOT NULL DEFAULT 0,
    note         TEXT,
    account      TEXT,                           -- whose decision it is
    handled_at   INTEGER,
    refusal      TEXT
) STRICT;

CREATE INDEX incident_begin ON incident (first_at, id);
CREATE INDEX incident_in_view ON incident (first_at, id) WHERE dismissed_at IS NULL;
CREATE INDEX incident_open ON incident (first_at, id) WHERE dismissed_at IS NULL AND handling = 0;
CREATE INDEX incident_unseen ON incident (first_at, id) WHERE dismissed_at IS NULL AND seen_at IS NULL;
CREATE INDEX incident_subject ON incident (stream_id, person_id, last_at);
CREATE INDEX incident_of_stream ON incident (stream_id, last_at);

CREATE TABLE alert (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    incident         INTEGER NOT NULL REFERENCES incident (id) ON DELETE CASCADE,
    anomaly_id       TEXT UNIQUE,
    sure             INTEGER NOT NULL,           -- the anomaly id is not a guess
    told_by          INTEGER NOT NULL,           -- 1 detection, 2 notification, 4 record
    kind             INTEGER NOT NULL,
    stream_id        TEXT,
    person_id        INTEGER,
    start_frame      INTEGER,
    frame_number     INTEGER,
    shop_id          TEXT,
    score            REAL,
    claimed_severity TEXT,
    text             TEXT,
    location         TEXT,
    detected_at      INTEGER,
    received_at      INTEGER NOT NULL,
    stored_at        INTEGER NOT NULL,
    clock_ahead      INTEGER,                    -- of the server's clock before ours when it came; null: not known
    early            INTEGER NOT NULL DEFAULT 0, -- was in the record before it was first read here
    at               INTEGER NOT NULL,           -- its place in time among the others
    live             INTEGER NOT NULL,
    notified_at      INTEGER,
    acked_at         INTEGER,
    decided_there    INTEGER,
    picture_bytes    INTEGER,
    picture_width    INTEGER,
    picture_height   INTEGER,
    box_x            REAL,
    box_y            REAL,
    box_width        REAL,
    box_height       REAL,
    picture_problem  TEXT,
    picture_path     TEXT
) STRICT;

CREATE INDEX alert_key ON alert (stream_id, frame_number) WHERE frame_number IS NOT NULL;
CREATE INDEX alert_in_time ON alert (at);
CREATE INDEX alert_unjoined ON alert (stream_id, person_id, told_by, received_at);
CREATE INDEX alert_of_incident ON alert (incident, id);
CREATE INDEX alert_of_shop ON alert (shop_id, detected_at) WHERE told_by >= 4;
CREATE INDEX alert_unshown ON alert (incident) WHERE notified_at IS NULL;
CREATE INDEX alert_with_picture ON alert (at, picture_bytes) WHERE picture_bytes IS NOT NULL;
CREATE INDEX alert_wanting ON alert (id) WHERE picture_path IS NOT NULL;

-- A rowid table: reading a blob from a WITHOUT ROWID table is several times slower.
CREATE TABLE picture (
    alert INTEGER PRIMARY KEY REFERENCES alert (id) ON DELETE CASCADE,
    jpeg  BLOB NOT NULL
) STRICT;

CREATE TABLE outbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    alert       INTEGER NOT NULL UNIQUE REFERENCES alert (id) ON DELETE CASCADE,
    decision    INTEGER NOT NULL,
    note        TEXT,
    account     TEXT,                            -- whose decision it is; nobody else's session sends it
    decided_at  INTEGER NOT NULL,
    state       INTEGER NOT NULL DEFAULT 0,      -- 0 sending, 1 recorded, 2 refused
    tries       INTEGER NOT NULL DEFAULT 0,
    answered_at INTEGER,
    refusal     TEXT
) STRICT;

CREATE INDEX outbox_sending ON outbox (tries, id) WHERE state = 0;

CREATE TABLE outage (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    from_at    INTEGER NOT NULL,
    to_at      INTEGER,
    cause      TEXT NOT NULL,                    -- the reason with which it began
    last_cause TEXT NOT NULL,
    known_at   INTEGER NOT NULL,                 -- when it was last known to go on
    cut_short  INTEGER NOT NULL DEFAULT 0,       -- the program ended before it did
    caught_up  INTEGER NOT NULL DEFAULT 0,
    told_at    INTEGER,                          -- a notification said so
    cleared_at INTEGER
) STRICT;

CREATE INDEX outage_in_view ON outage (from_at, id) WHERE cleared_at IS NULL;

-- Of this time alerts may be missing, or were until the record had told them.
CREATE TABLE gap (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    from_at    INTEGER,
    to_at      INTEGER NOT NULL,
    filled_at  INTEGER,
    for_good   INTEGER NOT NULL DEFAULT 0,       -- the record does not reach back that far
    cleared_at INTEGER
) STRICT;

-- Rows that the server's record is known to have and this file has not.
CREATE TABLE missing (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    shop_id  TEXT NOT NULL,
    noted_at INTEGER NOT NULL
) STRICT;

-- Tests of the alert path; one without an outcome was cut short.
CREATE TABLE drill (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    account      TEXT NOT NULL,
    nonce        TEXT NOT NULL UNIQUE,
    begun_at     INTEGER NOT NULL,
    sent_at      INTEGER,                        -- the server took the message
    heard_at     INTEGER,                        -- it came back on the socket, and was written
    shown_at     INTEGER,                        -- the notification service took it
    ended_at     INTEGER,
    outcome      INTEGER,                        -- 0 passed; not: 1 heard, 2 delivered, 3 stored, 4 shown
    took_ms      INTEGER,
    overtaken_at INTEGER                         -- a live alert was shown after it had failed
) STRICT;

CREATE TABLE shop (
    id   TEXT PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;

CREATE TABLE value (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
