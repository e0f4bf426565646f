//! Passwords: Argon2id, a few at a time, away from the threads that answer calls.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use tokio::sync::Semaphore;

/// Each hash takes 19 MiB and some 20 ms: a storm of sign-ins must not take the machine.
static ROOM: Semaphore = Semaphore::const_new(2);

/// Shortest password that is taken.
pub const LENGTH_MIN: usize = 12;
/// Longest password that is taken.
pub const LENGTH_MAX: usize = 256;

/// Hashes a password for storing.
///
/// # Errors
/// A sentence when the hash cannot be made.
pub async fn hash(password: String) -> Result<String, String> {
    let _permit = ROOM.acquire().await.map_err(|e| e.to_string())?;
    tokio::task::spawn_blocking(move || {
        let hashed: Result<PasswordHash, _> = Argon2::default().hash_password(password.as_bytes());
        hashed.map(|h| h.to_string()).map_err(|e| e.to_string())
    })
    .await
    .map_err(|e| e.to_string())?
}

/// Whether `password` is the one that was stored. Without a stored one the same work is done and the answer is no.
pub async fn verify(password: String, stored: Option<String>) -> bool {
    if password.len() > LENGTH_MAX {
        return false;
    }
    let Ok(_permit) = ROOM.acquire().await else { return false };
    tokio::task::spawn_blocking(move || match stored {
        Some(stored) => PasswordHash::new(&stored).is_ok_and(|parsed| {
            Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok()
        }),
        None => {
            let _: Result<PasswordHash, _> = Argon2::default().hash_password(password.as_bytes());
            false
        }
    })
    .await
    .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_passes() {
        let stored = hash("correct horse battery".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(verify("correct horse battery".into(), Some(stored.clone())).await);
        assert!(!verify("correct horse".into(), Some(stored)).await);
        assert!(!verify("correct horse battery".into(), None).await);
        assert!(!verify("x".into(), Some("nonsense".into())).await);
    }
}
