-- What came of it, a word of the shop's own statistics: 1 to 5 of what was resolved, 6 to 10 of a false alarm.
ALTER TABLE incident ADD COLUMN outcome INTEGER;
-- Whose the decision is, by name, as far as that is known.
ALTER TABLE incident ADD COLUMN handled_by TEXT;
-- Decided on with others when nobody had opened it: 1; 2 once somebody has, after that.
ALTER TABLE incident ADD COLUMN unopened INTEGER NOT NULL DEFAULT 0;
-- What others wrote about it, to be looked through: of the notes of its alerts.
ALTER TABLE incident ADD COLUMN said_there TEXT;

DROP TRIGGER incident_says_else;
CREATE TRIGGER incident_says_else
AFTER UPDATE OF id, kind, shop_id, location, text, note, said_there, outcome ON incident
WHEN (new.id, new.kind, new.shop_id, new.location, new.text, new.note, new.said_there, new.outcome)
    IS NOT (old.id, old.kind, old.shop_id, old.location, old.text, old.note, old.said_there, old.outcome)
BEGIN
    INSERT INTO unindexed SELECT old.id WHERE old.id NOT IN (SELECT incident FROM unindexed);
    INSERT INTO unindexed SELECT new.id WHERE new.id NOT IN (SELECT incident FROM unindexed);
END;

ALTER TABLE undo ADD COLUMN outcome INTEGER;
ALTER TABLE undo ADD COLUMN handled_by TEXT;
ALTER TABLE undo ADD COLUMN unopened INTEGER NOT NULL DEFAULT 0;

-- The record's row as it was last read or written: when it had changed, by the server's clock, and all of its notes.
ALTER TABLE alert ADD COLUMN there_at INTEGER;
ALTER TABLE alert ADD COLUMN there_note TEXT;
-- The line of these notes that this program wrote.
ALTER TABLE alert ADD COLUMN our_note TEXT;

-- Rows of the record that are to have the note of their incident, whatever was decided.
CREATE TABLE note_due (
    alert    INTEGER PRIMARY KEY REFERENCES alert (id) ON DELETE CASCADE,
    account  TEXT,                               -- whose note it is; nobody else's session sends it
    noted_at INTEGER NOT NULL,
    tries    INTEGER NOT NULL DEFAULT 0
) STRICT;
