-- Which incidents say a word: pieces of three characters, made by and by. What they say is not in it a second time.
CREATE VIRTUAL TABLE search USING fts5 (
    words, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram'
);

-- Incidents that say something else than the index knows, or are gone.
CREATE TABLE unindexed (
    incident INTEGER PRIMARY KEY
) STRICT;

INSERT INTO unindexed SELECT id FROM incident;

-- None of these may ever conflict: whoever writes an incident or a shop would have to answer for it.
CREATE TRIGGER incident_says AFTER INSERT ON incident BEGIN
    INSERT INTO unindexed SELECT new.id WHERE new.id NOT IN (SELECT incident FROM unindexed);
END;

CREATE TRIGGER incident_says_else AFTER UPDATE OF id, kind, shop_id, location, text, note ON incident
WHEN (new.id, new.kind, new.shop_id, new.location, new.text, new.note)
    IS NOT (old.id, old.kind, old.shop_id, old.location, old.text, old.note)
BEGIN
    INSERT INTO unindexed SELECT old.id WHERE old.id NOT IN (SELECT incident FROM unindexed);
    INSERT INTO unindexed SELECT new.id WHERE new.id NOT IN (SELECT incident FROM unindexed);
END;

CREATE TRIGGER incident_says_nothing AFTER DELETE ON incident BEGIN
    INSERT INTO unindexed SELECT old.id WHERE old.id NOT IN (SELECT incident FROM unindexed);
END;

CREATE TRIGGER shop_is_called AFTER INSERT ON shop BEGIN
    INSERT INTO unindexed
    SELECT id FROM incident WHERE shop_id = new.id AND id NOT IN (SELECT incident FROM unindexed);
END;

CREATE TRIGGER shop_is_called_else AFTER UPDATE OF name ON shop WHEN new.name <> old.name BEGIN
    INSERT INTO unindexed
    SELECT id FROM incident WHERE shop_id = new.id AND id NOT IN (SELECT incident FROM unindexed);
END;

CREATE TRIGGER shop_is_called_nothing AFTER DELETE ON shop BEGIN
    INSERT INTO unindexed
    SELECT id FROM incident WHERE shop_id = old.id AND id NOT IN (SELECT incident FROM unindexed);
END;
