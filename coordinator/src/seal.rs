//! The seal over patient data and secrets: envelope encryption with a fresh key per record, and keyed indexes. Pure but for
//! randomness; knows no table and no file but the master key's.
//!
//! A sealed value is `PFE1` (all lengths in bytes):
//!
//! | field | bytes | |
//! |---|---|---|
//! | magic, algorithm | 4 + 1 | anything else is an error, there is no fallback |
//! | master key id, version | 16 + 4 | replaced by a re-wrap |
//! | wrap nonce, wrapped data key with tag | 12 + 48 | replaced by a re-wrap |
//! | commitment | 32 | HMAC-SHA256 under the data key over magic, algorithm, nonce and data AAD; checked first, since GCM does not commit to its key |
//! | nonce, ciphertext with tag | 12 + n + 16 | |
//!
//! The data AAD is length-prefixed (format, table, column, record, purpose), so a value moved to another row or column does not
//! open. The wrap AAD adds key id and version, which a re-wrap changes without touching the data.

mod key_file;

pub use key_file::{BadKey, KeyFile};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, hmac,
    rand::{SecureRandom as _, SystemRandom},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

const MAGIC: &[u8; 4] = b"PFE1";
/// AES-256-GCM for data and wrapping, HMAC-SHA256 commitment.
const ALGORITHM: u8 = 1;
const KEY: usize = 32;
const TAG: usize = 16;
const WRAPPED: usize = KEY + TAG;
const HEAD: usize = 4 + 1 + 16 + 4 + NONCE_LEN + WRAPPED + 32 + NONCE_LEN;

/// The sealed value cannot be opened. Says nothing of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Not a sealed value of a known format.
    #[error("not a sealed value of a known format")]
    Format,
    /// Sealed under another master key.
    #[error("sealed under another master key")]
    OtherKey,
    /// Changed, or moved from another place.
    #[error("the sealed value was changed or moved")]
    Changed,
}

/// Where a sealed value belongs. It opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Table, or `files` for bytes on disk.
    pub table: &'a str,
    /// Column.
    pub column: &'a str,
    /// Row.
    pub record: &'a str,
}

impl Context<'_> {
    fn aad(&self) -> Vec<u8> {
        prefixed(&[
            MAGIC,
            self.table.as_bytes(),
            self.column.as_bytes(),
            self.record.as_bytes(),
            b"record",
        ])
    }
}

/// Length prefixes keep `("ab", "c")` and `("a", "bc")` apart.
fn prefixed(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

/// What a keyed index is for; each has its own key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// The request hash.
    Dedup,
    /// A member's identifier, for exact search.
    Member,
    /// A payer's number, for exact search and uniqueness.
    Reference,
}

/// The seal: the master key's children, ready for use.
pub struct Seal {
    wrap: LessSafeKey,
    key_id: [u8; 16],
    version: u32,
    dedup: hmac::Key,
    member: hmac::Key,
    reference: hmac::Key,
    spool: hmac::Key,
    permits: Ed25519KeyPair,
    random: SystemRandom,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(••••)")
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// A child key of the master, by HKDF-SHA256 with the use as info.
fn derive(master: &[u8; KEY], usage: &str) -> Zeroizing<[u8; KEY]> {
    let mut out = Zeroizing::new([0_u8; KEY]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"fleet seal 1")
        .extract(master)
        .expand(&[usage.as_bytes()], Length(KEY))
        .and_then(|okm| okm.fill(out.as_mut_slice()))
        .expect("32 bytes are within HKDF-SHA256's limit");
    out
}

impl Seal {
    /// From the 32 bytes of the master key.
    #[must_use]
    pub fn new(master: &[u8; KEY], version: u32) -> Self {
        let wrap = derive(master, "wrap");
        let index = |usage| hmac::Key::new(hmac::HMAC_SHA256, derive(master, usage).as_slice());
        let id = derive(master, "id");
        let mut key_id = [0; 16];
        key_id.copy_from_slice(&id[..16]);
        Self {
            wrap: LessSafeKey::new(
                UnboundKey::new(&AES_256_GCM, wrap.as_slice()).expect("the key has 32 bytes"),
            ),
            key_id,
            version,
            dedup: index("index dedup"),
            member: index("index member"),
            reference: index("index reference"),
            spool: index("spool"),
            permits: Ed25519KeyPair::from_seed_unchecked(derive(master, "permits").as_slice())
                .expect("a seed has 32 bytes"),
            random: SystemRandom::new(),
        }
    }

    fn fill(&self, out: &mut [u8]) {
        self.random.fill(out).expect("the system's random source works, or nothing here may go on");
    }

    /// Seals bytes for one place.
    #[must_use]
    pub fn seal(&self, context: &Context<'_>, plain: &[u8]) -> Vec<u8> {
        let mut data_key = Zeroizing::new([0_u8; KEY]);
        let (mut wrap_nonce, mut nonce) = ([0_u8; NONCE_LEN], [0_u8; NONCE_LEN]);
        self.fill(data_key.as_mut_slice());
        self.fill(&mut wrap_nonce);
        self.fill(&mut nonce);
        let aad = context.aad();

        let mut wrapped = data_key.to_vec();
        self.wrap
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(wrap_nonce),
                Aad::from(wrap_aad(&aad, &self.key_id, self.version)),
                &mut wrapped,
            )
            .expect("32 bytes are within the cipher's limit");
        let mut body = plain.to_vec();
        cipher(&data_key)
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(&aad),
                &mut body,
            )
            .expect("callers' sizes are far below the cipher's limit");

        let mut out = Vec::with_capacity(HEAD + body.len());
        out.extend_from_slice(MAGIC);
        out.push(ALGORITHM);
        out.extend_from_slice(&self.key_id);
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&wrap_nonce);
        out.extend_from_slice(&wrapped);
        out.extend_from_slice(commitment(&data_key, &nonce, &aad).as_ref());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&body);
        out
    }

    /// Opens what [`Seal::seal`] made for the same place.
    ///
    /// # Errors
    /// [`Broken`]; never a wrong plaintext.
    pub fn open(&self, context: &Context<'_>, sealed: &[u8]) -> Result<Vec<u8>, Broken> {
        if sealed.len() < HEAD + TAG || &sealed[..4] != MAGIC || sealed[4] != ALGORITHM {
            return Err(Broken::Format);
        }
        let mut rest = &sealed[5..];
        let mut take = |n: usize| {
            let (head, tail) = rest.split_at(n);
            rest = tail;
            head
        };
        let (key_id, version) = (take(16), take(4));
        let wrap_nonce = Nonce::try_assume_unique_for_key(take(NONCE_LEN));
        let mut wrapped = Zeroizing::new(take(WRAPPED).to_vec());
        let committed = take(32);
        let nonce_bytes = take(NONCE_LEN);
        let mut body = rest.to_vec();
        if key_id != self.key_id || version != self.version.to_be_bytes() {
            return Err(Broken::OtherKey);
        }

        let aad = context.aad();
        let data_key = self
            .wrap
            .open_in_place(
                wrap_nonce.map_err(|_| Broken::Format)?,
                Aad::from(wrap_aad(&aad, &self.key_id, self.version)),
                &mut wrapped,
            )
            .map_err(|_| Broken::Changed)?;
        let data_key =
            Zeroizing::new(<[u8; KEY]>::try_from(&*data_key).map_err(|_| Broken::Format)?);
        let message = commit_message(nonce_bytes, &aad);
        hmac::verify(&commit_key(&data_key), &message, committed).map_err(|_| Broken::Changed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce_bytes).map_err(|_| Broken::Format)?;
        let length = cipher(&data_key)
            .open_in_place(nonce, Aad::from(&aad), &mut body)
            .map_err(|_| Broken::Changed)?
            .len();
        body.truncate(length);
        Ok(body)
    }

    /// As [`Seal::seal`], in base64 for a text column.
    #[must_use]
    pub fn seal_base64(&self, context: &Context<'_>, plain: &[u8]) -> String {
        STANDARD.encode(self.seal(context, plain))
    }

    /// Opens what [`Seal::seal_base64`] made.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn open_base64(&self, context: &Context<'_>, sealed: &str) -> Result<Vec<u8>, Broken> {
        self.open(context, &STANDARD.decode(sealed).map_err(|_| Broken::Format)?)
    }

    /// The keyed index of a value: equal values give equal texts, and nobody without the key can try values out.
    #[must_use]
    pub fn index(&self, index: Index, value: &[u8]) -> String {
        let key = match index {
            Index::Dedup => &self.dedup,
            Index::Member => &self.member,
            Index::Reference => &self.reference,
        };
        crate::files::hex(hmac::sign(key, value).as_ref())
    }

    /// The key with which an agent seals what it keeps on its own disk under a lease, base64: derived, so that nothing is stored.
    #[must_use]
    pub fn spool_key(&self, lease: &str) -> String {
        STANDARD.encode(hmac::sign(&self.spool, lease.as_bytes()).as_ref())
    }

    /// The public key (Ed25519, hexadecimal) by which a submit gate knows a permit of this coordinator. A signature and not a shared
    /// key: the agent that hands a permit over can check it, and cannot make one.
    #[must_use]
    pub fn permit_key(&self) -> String {
        crate::files::hex(self.permits.public_key().as_ref())
    }

    /// Signs a permit's text, hexadecimal.
    #[must_use]
    pub fn sign_permit(&self, text: &str) -> String {
        crate::files::hex(self.permits.sign(text.as_bytes()).as_ref())
    }

    /// [`Seal::index`] of an identifier as people type it: letters and digits only, upper case.
    #[must_use]
    pub fn index_typed(&self, index: Index, value: &str) -> String {
        let normal: String =
            value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
        self.index(index, normal.as_bytes())
    }
}

fn cipher(key: &[u8; KEY]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("the key has 32 bytes"))
}

fn wrap_aad(aad: &[u8], key_id: &[u8; 16], version: u32) -> Vec<u8> {
    prefixed(&[aad, key_id, &version.to_be_bytes()])
}

fn commit_key(data_key: &[u8; KEY]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, data_key)
}

fn commit_message(nonce: &[u8], aad: &[u8]) -> Vec<u8> {
    [b"commit".as_slice(), MAGIC, &[ALGORITHM], nonce, aad].concat()
}

fn commitment(data_key: &[u8; KEY], nonce: &[u8], aad: &[u8]) -> hmac::Tag {
    hmac::sign(&commit_key(data_key), &commit_message(nonce, aad))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Context<'static> = Context { table: "cases", column: "request", record: "case_1" };

    #[test]
    fn opens_only_where_it_was_sealed_and_under_its_key() {
        let seal = Seal::new(&[7; 32], 1);
        let sealed = seal.seal(&HERE, b"ALDER TESTA");
        assert_eq!(seal.open(&HERE, &sealed).unwrap(), b"ALDER TESTA");
        for elsewhere in [
            Context { record: "case_2", ..HERE },
            Context { column: "outcome", ..HERE },
            Context { table: "jobs", ..HERE },
            Context { table: "casesr", column: "equest", ..HERE },
        ] {
            assert_eq!(seal.open(&elsewhere, &sealed), Err(Broken::Changed));
        }
        assert_eq!(Seal::new(&[8; 32], 1).open(&HERE, &sealed), Err(Broken::OtherKey));
        assert_eq!(Seal::new(&[7; 32], 2).open(&HERE, &sealed), Err(Broken::OtherKey));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let seal = Seal::new(&[7; 32], 1);
        let sealed = seal.seal(&HERE, b"short");
        for at in 0..sealed.len() * 8 {
            let mut bent = sealed.clone();
            bent[at / 8] ^= 1 << (at % 8);
            assert!(seal.open(&HERE, &bent).is_err(), "bit {at}");
        }
        for length in 0..sealed.len() {
            assert!(seal.open(&HERE, &sealed[..length]).is_err(), "length {length}");
        }
    }

    #[test]
    fn the_structure_is_the_written_one_and_never_repeats() {
        let seal = Seal::new(&[7; 32], 1);
        let (a, b) = (seal.seal(&HERE, b"same"), seal.seal(&HERE, b"same"));
        assert_eq!(a.len(), 4 + 1 + 16 + 4 + 12 + 48 + 32 + 12 + 4 + 16);
        assert_eq!(&a[..5], b"PFE1\x01");
        assert_eq!(a[5..25], b[5..25], "key id and version");
        assert_ne!(a[25..], b[25..], "fresh key and nonces per record");
        assert!(!a.windows(4).any(|w| w == b"same"));
    }

    #[test]
    fn indexes_are_keyed_and_apart() {
        let (seal, other) = (Seal::new(&[7; 32], 1), Seal::new(&[8; 32], 1));
        let index = |s: &Seal, i| s.index_typed(i, "w1000-00001");
        assert_eq!(index(&seal, Index::Member), seal.index_typed(Index::Member, "W100000001"));
        assert_ne!(index(&seal, Index::Member), index(&seal, Index::Dedup));
        assert_ne!(index(&seal, Index::Member), index(&other, Index::Member));
    }
}
