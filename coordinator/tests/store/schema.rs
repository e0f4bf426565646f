//! The schema itself: CHECKs by raw SQL, migrations, durability settings, the one coordinator of a SQLite file.

use coordinator::{
    store::{
        Error,
        db::{Db, Kind, Open, Tx, Value},
        migrate,
    },
    vals,
};

use crate::{bed::Bed, both};

both!(
    the_schema_repeats_the_rules,
    migrations_run_once_and_refuse_what_is_newer,
    settings_are_durable,
    one_coordinator_per_sqlite_file
);

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("fleet.db");
    std::fs::write(&path, b"this is not a database, although somebody put it there").unwrap();
    let url = format!("sqlite:{}", path.display());
    let told = Db::open(&url, Open::Coordinator).await.unwrap_err();
    assert!(matches!(told, Error::Unusable(_)), "{told:?}");
}

/// As a full disk and an I/O error make it do, SQLite ends a transaction by itself here.
#[tokio::test]
async fn a_transaction_that_ended_by_itself_is_in_nobodys_way() {
    let bed = Bed::sqlite().await;
    let mut tx = raw(&bed).await;
    let again = "INSERT OR ROLLBACK INTO audit_head SELECT * FROM audit_head";
    assert_eq!(tx.exec(again, vals![]).await, Err(Error::Unique));
    drop(tx);
    for _ in 0..3 {
        assert_eq!(bed.core.store.db.probe().await, Ok(()), "it writes as before");
    }
}

/// The driver ends a dropped transaction only when it is next asked for something: until then the connection looks as if it were
/// still inside, and giving it up for that would open a new one after each transaction that changed nothing.
#[tokio::test]
async fn a_dropped_transaction_does_not_cost_its_connection() {
    let bed = Bed::sqlite().await;
    let mut tx = raw(&bed).await;
    // Belongs to the connection and to no other.
    tx.exec("CREATE TEMP TABLE of_this_connection (id TEXT)", vals![]).await.unwrap();
    tx.exec("INSERT INTO of_this_connection (id) VALUES ('x')", vals![]).await.unwrap();
    tx.exec("COMMIT", vals![]).await.unwrap();
    tx.exec("BEGIN", vals![]).await.unwrap();
    drop(tx);
    for _ in 0..20 {
        let mut tx = raw(&bed).await;
        let rows = tx.all("any", "SELECT id FROM of_this_connection", vals![]).await.unwrap();
        assert_eq!(rows.len(), 1, "another connection");
        drop(tx);
    }
}

async fn raw(bed: &Bed) -> Tx {
    bed.core.store.db.begin().await.unwrap()
}

async fn refused(bed: &Bed, sql: &'static str, values: Vec<Value>) -> Error {
    let mut tx = raw(bed).await;
    tx.exec(sql, values).await.expect_err(sql)
}

/// Changes an audit entry behind the program's back.
pub(crate) async fn tamper(bed: &Bed) {
    let other = Db::open(&bed.url, Open::Tool).await.unwrap();
    let rows = other
        .all(
            "audit",
            "UPDATE audit SET detail = '{}' WHERE act = 'permit.issued' RETURNING act AS id",
            vals![],
        )
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    other.close().await;
}

/// Every text in every table.
pub(crate) async fn every_text(bed: &Bed) -> Vec<String> {
    const TABLES: [&str; 33] = [
        "SELECT * FROM payers",
        "SELECT * FROM users",
        "SELECT * FROM api_keys",
        "SELECT * FROM idempotency",
        "SELECT * FROM credentials",
        "SELECT * FROM scripts",
        "SELECT * FROM agents",
        "SELECT * FROM documents",
        "SELECT * FROM cases",
        "SELECT * FROM case_documents",
        "SELECT * FROM jobs",
        "SELECT * FROM attempts",
        "SELECT * FROM steps",
        "SELECT * FROM evidence",
        "SELECT * FROM payer_references",
        "SELECT * FROM intents",
        "SELECT * FROM exceptions",
        "SELECT * FROM logins",
        "SELECT * FROM releases",
        "SELECT * FROM code_messages",
        "SELECT * FROM audit",
        "SELECT * FROM fingerprints",
        "SELECT * FROM drift",
        "SELECT * FROM permission_proposals",
        "SELECT * FROM channel_proposals",
        "SELECT * FROM late_reports",
        "SELECT * FROM fleet_state",
        "SELECT * FROM exchanges",
        "SELECT * FROM subscriptions",
        "SELECT * FROM notices",
        "SELECT * FROM payer_channels",
        "SELECT * FROM control_numbers",
        "SELECT * FROM payer_events",
    ];
    let mut all = Vec::new();
    for sql in TABLES {
        for row in bed.core.store.db.all("any", sql, vals![]).await.unwrap() {
            for column in row.columns() {
                if let Ok(Some(text)) = row.opt_text(&column) {
                    all.push(text);
                }
            }
        }
    }
    assert!(all.len() > 50);
    all
}

async fn the_schema_repeats_the_rules(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let job = taken.job.to_string();
    for sql in [
        "UPDATE jobs SET state = 'leased' WHERE id = $1",
        "UPDATE jobs SET state = 'resting' WHERE id = $1",
        "UPDATE jobs SET state = 'waiting' WHERE id = $1",
        "UPDATE jobs SET state = 'in_doubt' WHERE id = $1",
        "UPDATE jobs SET state = 'done' WHERE id = $1",
        "UPDATE jobs SET state = 'cancelled' WHERE id = $1",
        "UPDATE jobs SET state = 'queued' WHERE id = $1",
        "UPDATE jobs SET lease_id = 'lease_x' WHERE id = $1",
        "UPDATE jobs SET intent_id = 'int_x' WHERE id = $1",
        "UPDATE jobs SET payer_id = 'nowhere' WHERE id = $1",
    ] {
        let error = refused(&bed, sql, vals![&job]).await;
        assert!(matches!(error, Error::Check(_)), "{sql}: {error:?}");
    }
    let lease = bed.lease_one().await;
    let intent = bed.go(&lease).await.to_string();
    for sql in [
        "UPDATE intents SET state = 'confirmed', closed_at_ms = 1 WHERE id = $1",
        "UPDATE intents SET state = 'void', closed_at_ms = 1 WHERE id = $1",
        "UPDATE intents SET state = 'void', void_proof = 'guess', closed_at_ms = 1 WHERE id = $1",
        "UPDATE intents SET before_id = NULL WHERE id = $1",
        // Failed or ready again with an intent open is not even expressible.
        "UPDATE jobs SET state = 'failed', failure = '{}', ended_at_ms = 1, lease_id = NULL, agent_id = NULL, \
         lease_expires_at_ms = NULL, purpose = NULL, attempt_id = NULL WHERE intent_id = $1",
        "UPDATE jobs SET state = 'ready', lease_id = NULL, agent_id = NULL, lease_expires_at_ms = NULL, purpose = NULL, \
         attempt_id = NULL WHERE intent_id = $1",
    ] {
        let error = refused(&bed, sql, vals![&intent]).await;
        assert!(matches!(error, Error::Check(_)), "{sql}: {error:?}");
    }
    let twin = "INSERT INTO intents (id, case_id, job_id, attempt_id, agent_id, fence, dedup_key, round, step_index, commit_name, \
         payload_sha256, before_id, state, ask, opened_at_ms, fenced_at_ms) SELECT 'int_twin', case_id, job_id, attempt_id, agent_id, \
         fence, dedup_key, round, step_index, commit_name, payload_sha256, before_id, 'open', 'another', 1, 1 FROM intents WHERE id = $1";
    assert_eq!(refused(&bed, twin, vals![&intent]).await, Error::Unique);
    let same_person = "INSERT INTO exceptions (id, case_id, job_id, payer_id, kind, failure, state, first_by, resolved_by, resolution, \
         opened_at_ms, closed_at_ms) SELECT 'exc_x', case_id, id, payer_id, 'in_doubt', '{}', 'resolved', 'user_a', 'user_a', 'x', 1, 1 \
         FROM jobs WHERE id = $1";
    assert!(matches!(refused(&bed, same_person, vals![&job]).await, Error::Check(_)));
}

async fn migrations_run_once_and_refuse_what_is_newer(bed: Bed) {
    let db = &bed.core.store.db;
    assert_eq!(migrate::run(db, bed.now()).await.unwrap(), 0);
    let newer = "INSERT INTO migrations (id, sha256, at_ms) VALUES (99, 'x', 1) RETURNING id";
    db.all("migrations", newer, vals![]).await.unwrap();
    let told = migrate::run(db, bed.now()).await.unwrap_err().to_string();
    assert!(told.contains("newer program"), "{told}");
    let other = "UPDATE migrations SET sha256 = 'x' WHERE id = 1 RETURNING id";
    db.all("migrations", other, vals![]).await.unwrap();
    let told = migrate::run(db, bed.now()).await.unwrap_err().to_string();
    assert!(told.contains("another build"), "{told}");
}

async fn settings_are_durable(bed: Bed) {
    let asked: &[(&str, &str)] = match bed.core.store.db.kind() {
        Kind::Sqlite => &[
            ("PRAGMA journal_mode", "wal"),
            ("PRAGMA synchronous", "2"),
            ("PRAGMA foreign_keys", "1"),
            ("PRAGMA secure_delete", "1"),
        ],
        Kind::Postgres => &[
            ("SHOW fsync", "on"),
            ("SHOW full_page_writes", "on"),
            ("SHOW synchronous_commit", "on"),
        ],
    };
    for (sql, wanted) in asked {
        let mut tx = raw(&bed).await;
        let row = tx.all("settings", sql, vals![]).await.unwrap().remove(0);
        let column = row.columns().remove(0);
        let found = row.text(&column).or_else(|_| row.int(&column).map(|n| n.to_string()));
        assert_eq!(found.unwrap(), *wanted, "{sql}");
    }
}

async fn one_coordinator_per_sqlite_file(bed: Bed) {
    let second = Db::open(&bed.url, Open::Coordinator).await;
    match bed.core.store.db.kind() {
        Kind::Sqlite => {
            let told = second.unwrap_err().to_string();
            assert!(told.contains("another coordinator"), "{told}");
            Db::open(&bed.url, Open::Tool).await.unwrap();
        }
        Kind::Postgres => {
            second.unwrap();
        }
    }
}
