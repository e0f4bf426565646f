//! A row is a series of control numbers of X12: those between one sender and one receiver, whatever payer or channel they belong to.

use super::{Error, Tx};
use crate::vals;

/// The largest number of nine digits.
const LAST: i64 = 999_999_999;

const TAKE: &str = "INSERT INTO control_numbers (series, used) VALUES ($1, $2) \
     ON CONFLICT (series) DO UPDATE SET used = control_numbers.used + $2 RETURNING series AS id, used";

/// Takes numbers that follow each other, and gives the first; none when the series has no more. Whoever takes them commits, or they
/// are given again.
///
/// # Errors
/// [`Error::Database`].
pub async fn take(tx: &mut Tx, series: &str, count: u32) -> Result<Option<u32>, Error> {
    let row = tx.opt("control_numbers", TAKE, vals![series, count]).await?;
    let used = row.ok_or(Error::NotFound("control number"))?.int("used")?;
    let first = used - i64::from(count) + 1;
    Ok(u32::try_from(first).ok().filter(|_| used <= LAST))
}
