//! The store and its decisions, every test on SQLite and on a private Postgres that this binary starts and ends itself.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bed;
mod polite;
mod postgres;
mod register;

mod certificate;
mod codes;
mod deal;
mod doubt;
mod drift;
mod lease;
mod news;
mod route;
mod schema;
mod submit;
mod vault;
mod ways;
mod work;

/// Makes one test per database out of an async function that takes a [`bed::Bed`].
macro_rules! both {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn sqlite() {
                super::$name($crate::bed::Bed::sqlite().await).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn postgres() {
                super::$name($crate::bed::Bed::postgres().await).await;
            }
        }
    )*};
}
pub(crate) use both;
