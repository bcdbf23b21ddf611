"""Makes a journal as long as years make it: python grow.py JOURNAL ALERTS. Copies what it holds, an hour earlier each time."""

import sqlite3
import sys

HOUR = 3_600_000_000
# The second added what can be undone, which is not copied.
FORMATS = (1, 2)
# What refers to another row, and to which table's.
REFERENCES = {("incident", "cover"): "alert", ("alert", "incident"): "incident"}


def main(path, wanted):
    journal = sqlite3.connect(path)
    (found,) = journal.execute("PRAGMA user_version").fetchone()
    if found not in FORMATS:
        sys.exit(f"the journal has format {found}, and this is for {FORMATS}")
    steps = {table: count(journal, table, "max(id)") for table in ("incident", "alert")}
    rows = count(journal, "alert", "count(*)")
    with journal:
        for turn in range(1, -(-wanted // rows)):
            for table in ("incident", "alert"):
                copy(journal, table, steps, turn)
        excess = count(journal, "alert", "count(*)") - wanted
        journal.execute("DELETE FROM alert WHERE id IN (SELECT id FROM alert ORDER BY at LIMIT ?)", (max(excess, 0),))
    journal.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    journal.close()


def count(journal, table, what):
    return journal.execute(f"SELECT {what} FROM {table}").fetchone()[0]


def copy(journal, table, steps, turn):
    columns = [row[1] for row in journal.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(value(table, column, steps, turn) for column in columns)
    # What was there at first has the lowest numbers.
    first = f"FROM {table} WHERE id <= {steps[table]}"
    journal.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} {first}")


def value(table, column, steps, turn):
    if column == "id":
        return f"id + {steps[table] * turn}"
    if (table, column) in REFERENCES:
        return f"{column} + {steps[REFERENCES[table, column]] * turn}"
    if column == "anomaly_id":
        return f"printf('%08x', {turn}) || substr(anomaly_id, 9)"
    if column == "at" or column.endswith("_at"):
        return f"{column} - {HOUR * turn}"
    return column


main(sys.argv[1], int(sys.argv[2]))
