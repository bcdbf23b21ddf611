-- What nobody has decided on is in view, whatever was cleared.
UPDATE incident SET dismissed_at = NULL WHERE dismissed_at IS NOT NULL AND handling IN (0, 3);

DROP INDEX incident_open;
CREATE INDEX incident_open ON incident (first_at, id) WHERE handling IN (0, 3);
CREATE INDEX incident_cleared ON incident (first_at, id) WHERE dismissed_at IS NOT NULL;

-- A decision that may be taken back and is not sent before: what the incident was without it.
CREATE TABLE undo (
    incident     INTEGER PRIMARY KEY REFERENCES incident (id) ON DELETE CASCADE,
    until        INTEGER NOT NULL,
    handling     INTEGER NOT NULL,
    decision     INTEGER,
    decided_at   INTEGER,
    decided_here INTEGER NOT NULL,
    note         TEXT,
    account      TEXT,
    handled_at   INTEGER,
    refusal      TEXT
) STRICT;

-- Its part of the outbox.
CREATE TABLE undo_outbox (
    incident    INTEGER NOT NULL REFERENCES undo (incident) ON DELETE CASCADE,
    alert       INTEGER PRIMARY KEY REFERENCES alert (id) ON DELETE CASCADE,
    decision    INTEGER NOT NULL,
    note        TEXT,
    account     TEXT,
    decided_at  INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    tries       INTEGER NOT NULL,
    answered_at INTEGER,
    refusal     TEXT
) STRICT;

CREATE INDEX undo_outbox_of ON undo_outbox (incident);
