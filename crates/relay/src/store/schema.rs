//! The file's format.

use doorward_store::file::Format;

/// Marks the file as ours in its header: `DwEv`.
const APPLICATION_ID: i64 = 0x4477_4576;

/// The format of `relay.db`.
pub(super) const FILE: Format = Format {
    application_id: APPLICATION_ID,
    steps: &STEPS,
};

/// A step that was released is never changed; what changes is a new step.
const STEPS: [&[&str]; 1] = [&[STORE, EVENTS, DELIVERIES, REPLAYS, MARKS]];

const STORE: &str = "
    CREATE TABLE store (
        id          INTEGER PRIMARY KEY CHECK (id = 1),
        made_ms     INTEGER NOT NULL,
        -- Both wrapped: what finds an event that came before, and what seals bodies about nobody.
        dedupe_key  BLOB NOT NULL,
        body_key    BLOB NOT NULL,
        -- The highest number that was given to an event that is gone by now.
        last_seq    INTEGER NOT NULL DEFAULT 0,
        -- Whether bytes that were erased may be left in the files.
        scrub       INTEGER NOT NULL DEFAULT 0
    ) STRICT;";

const EVENTS: &str = "
    -- A person's key. Of one who was erased the entry is null and the key is zeros.
    CREATE TABLE subjects (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        entry        BLOB UNIQUE,
        wrapped_key  BLOB NOT NULL,
        made_ms      INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE events (
        seq          INTEGER PRIMARY KEY,
        id           BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
        source       INTEGER NOT NULL,
        workspace    TEXT NOT NULL,
        type         TEXT NOT NULL,
        campaign     TEXT,
        subject      INTEGER,
        event_ms     INTEGER,
        received_ms  INTEGER NOT NULL,
        origin       TEXT NOT NULL,
        quarantine   TEXT,
        size         INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX events_received ON events (received_ms);
    CREATE INDEX events_subject ON events (subject) WHERE subject IS NOT NULL;

    -- Apart, so that what is known of many events is read without their bodies.
    CREATE TABLE bodies (
        seq     INTEGER PRIMARY KEY,
        sealed  BLOB NOT NULL
    ) STRICT;";

const DELIVERIES: &str = "
    -- How far a destination is done: with every event up to this one.
    CREATE TABLE cursors (
        destination  INTEGER PRIMARY KEY,
        seq          INTEGER NOT NULL,
        made_ms      INTEGER NOT NULL
    ) STRICT;

    -- What was tried. The lead is there where order matters and as long as it does.
    CREATE TABLE deliveries (
        destination  INTEGER NOT NULL,
        replay       INTEGER NOT NULL,
        seq          INTEGER NOT NULL,
        state        TEXT NOT NULL
            CHECK (state IN ('delivered', 'retry', 'held', 'dead', 'discarded')),
        attempts     INTEGER NOT NULL,
        lead         INTEGER,
        first_ms     INTEGER,
        last_ms      INTEGER,
        next_ms      INTEGER,
        status       INTEGER,
        note         TEXT,
        PRIMARY KEY (destination, replay, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX deliveries_due ON deliveries (destination, replay, next_ms)
        WHERE state = 'retry';
    CREATE INDEX deliveries_lead ON deliveries (destination, replay, lead, seq)
        WHERE lead IS NOT NULL AND state IN ('retry', 'held');
    CREATE INDEX deliveries_dead ON deliveries (destination, replay, seq) WHERE state = 'dead';
    CREATE INDEX deliveries_held ON deliveries (destination, replay, seq) WHERE state = 'held';

    -- The beginning of the last answer, sealed as the event's body is.
    CREATE TABLE answers (
        destination  INTEGER NOT NULL,
        replay       INTEGER NOT NULL,
        seq          INTEGER NOT NULL,
        sealed       BLOB NOT NULL,
        PRIMARY KEY (destination, replay, seq)
    ) STRICT, WITHOUT ROWID;";

const REPLAYS: &str = "
    CREATE TABLE replays (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        destination  INTEGER NOT NULL,
        filter       TEXT NOT NULL,
        first_seq    INTEGER NOT NULL,
        last_seq     INTEGER NOT NULL,
        cursor       INTEGER NOT NULL,
        rate         REAL NOT NULL,
        state        TEXT NOT NULL CHECK (state IN ('running', 'done', 'cancelled')),
        made_ms      INTEGER NOT NULL,
        ended_ms     INTEGER,
        matched      INTEGER NOT NULL DEFAULT 0,
        delivered    INTEGER NOT NULL DEFAULT 0,
        dead         INTEGER NOT NULL DEFAULT 0,
        discarded    INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX replays_running ON replays (destination) WHERE state = 'running';";

const MARKS: &str = "
    -- How far something is done, such as a source's reconciliation, in milliseconds of Unix time.
    CREATE TABLE marks (
        name   TEXT PRIMARY KEY NOT NULL,
        value  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;";
