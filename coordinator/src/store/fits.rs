//! Whether the master key is the one that the data was sealed with: asked at the start, before anything is read or written with it.

use super::{Error, db::Db};
use crate::{
    seal::{Context, Seal},
    vals,
};

const CREDENTIALS: &str =
    "SELECT id, secrets AS sealed FROM credentials ORDER BY created_at_ms DESC, id LIMIT 4";
const CASES: &str =
    "SELECT id, request AS sealed FROM cases ORDER BY created_at_ms DESC, id LIMIT 4";

/// False when there is sealed data and this key opens none of the newest of it. One value that is damaged does not count against the
/// key.
///
/// # Errors
/// [`Error::Database`].
pub async fn key_fits(db: &Db, seal: &Seal) -> Result<bool, Error> {
    let mut tried = 0;
    for (table, column, sql) in
        [("credentials", "secrets", CREDENTIALS), ("cases", "request", CASES)]
    {
        for row in db.all(table, sql, vals![]).await? {
            let (id, sealed) = (row.text("id")?, row.text("sealed")?);
            if seal.open_base64(&Context { table, column, record: &id }, &sealed).is_ok() {
                return Ok(true);
            }
            tried += 1;
        }
    }
    Ok(tried == 0)
}
