//! Fills the views of the pages from the store: reads only, each with a limit.

pub mod attempt;
pub mod case;
pub mod drift;
pub mod fleet;
pub mod inbox;
pub mod other;
pub mod sight;
pub mod work;

use std::collections::BTreeMap;

use domain::{evidence::Evidence, id::EvidenceId};

use crate::{
    App,
    store::{self, Store, payers, people},
};

/// Payers' names by id.
pub(super) async fn payer_names(store: &Store) -> Result<BTreeMap<String, String>, store::Error> {
    Ok(payers::all(store).await?.into_iter().map(|p| (p.profile.id, p.profile.name)).collect())
}

/// A payer's name, or its id when it is not known any more.
pub(super) fn payer_name(names: &BTreeMap<String, String>, id: &str) -> String {
    names.get(id).cloned().unwrap_or_else(|| id.to_owned())
}

/// People's names by id text.
pub(super) async fn person_names(store: &Store) -> Result<BTreeMap<String, String>, store::Error> {
    Ok(people::users(store).await?.into_iter().map(|u| (u.id.to_string(), u.name)).collect())
}

/// Width and height of pictures, from the first bytes of each PNG. A picture that cannot be read has no size, and so no mark
/// that would need one.
pub(super) async fn pixels<'a>(
    app: &App,
    pictures: impl Iterator<Item = &'a Evidence>,
) -> BTreeMap<EvidenceId, (u32, u32)> {
    let mut out = BTreeMap::new();
    for e in pictures.filter(|e| e.kind.media_type() == "image/png").take(16) {
        if let Ok(bytes) = app.core.files.get(&e.sha256).await
            && let Some(size) = png_size(&bytes)
        {
            out.insert(e.id, size);
        }
    }
    out
}

/// The size in the header of a PNG (its first chunk is always IHDR: 4 bytes length, 4 bytes name, width, height).
pub(super) fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let head = bytes.get(..24)?;
    if !head.starts_with(b"\x89PNG\r\n\x1a\n") || &head[12..16] != b"IHDR" {
        return None;
    }
    let number = |at: usize| head[at..at + 4].try_into().ok().map(u32::from_be_bytes);
    Some((number(16)?, number(20)?)).filter(|(w, h)| *w > 0 && *h > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_size_of_a_png_and_of_nothing_else() {
        let mut png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR".to_vec();
        png.extend([0, 0, 5, 0, 0, 0, 3, 32, 8, 2]);
        assert_eq!(png_size(&png), Some((1280, 800)));
        assert_eq!(png_size(&png[..20]), None);
        assert_eq!(png_size(b"%PDF-1.7 and then some more bytes"), None);
    }
}
