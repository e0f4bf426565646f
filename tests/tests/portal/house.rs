//! A simulated payer in this process with a folder of its own: what every client of a portal begins with.

use std::sync::Arc;

use tests::portal::{Control, Options, Profile, Truth, serve, serve::Running};

/// A payer that runs until this is dropped.
pub(crate) struct House {
    pub(crate) running: Running,
    dir: Arc<tempfile::TempDir>,
}

/// A quick payer with a frozen clock, its state in this folder.
fn options(profile: &Profile, dir: &tempfile::TempDir) -> Options {
    Options::quick(dir.path().join(profile.slug), dir.path().join("ca"))
}

impl House {
    /// Starts a payer in a new folder.
    pub(crate) async fn open(profile: &'static Profile) -> House {
        House::open_in(profile, Arc::new(tempfile::tempdir().unwrap())).await
    }

    async fn open_in(profile: &'static Profile, dir: Arc<tempfile::TempDir>) -> House {
        let running = serve::start(profile, options(profile, &dir)).await.unwrap();
        House { running, dir }
    }

    /// The same payer after its process has ended.
    pub(crate) async fn restarted(self) -> House {
        let (profile, dir) = (self.running.sim.profile, Arc::clone(&self.dir));
        self.running.sim.flush().await;
        drop(self.running);
        House::open_in(profile, dir).await
    }

    pub(crate) fn control(&self) -> Control {
        self.running.ready.control()
    }

    pub(crate) fn truth(&self) -> Truth {
        self.running.ready.truth()
    }

    /// How many ledger entries of a kind there are.
    pub(crate) async fn count(&self, kind: &str) -> usize {
        self.truth().of_kind(kind).await.unwrap().len()
    }

    /// The port of a host.
    pub(crate) fn port(&self, host: &str) -> u16 {
        self.running.ready.addr(host).unwrap().port()
    }

    /// Calls to its hosts that trust the test authority and follow no redirect.
    pub(crate) fn http(&self) -> reqwest::Client {
        let ca = std::fs::read(&self.running.ready.ca).unwrap();
        let ca = reqwest::Certificate::from_pem(&ca).unwrap();
        let mut builder = reqwest::Client::builder()
            .tls_certs_only([ca])
            .redirect(reqwest::redirect::Policy::none());
        for host in self.running.ready.hosts.keys() {
            builder = builder.resolve(host, self.running.ready.addr(host).unwrap());
        }
        builder.build().unwrap()
    }
}

/// A payer of its own name, which is a [`House`] in everything it does not do differently.
macro_rules! house {
    ($name:ident, $words:literal) => {
        #[doc = $words]
        pub(crate) struct $name($crate::portal::house::House);

        impl $name {
            /// The same payer after its process has ended.
            pub(crate) async fn restarted(self) -> $name {
                $name(self.0.restarted().await)
            }
        }

        impl std::ops::Deref for $name {
            type Target = $crate::portal::house::House;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    };
}
pub(crate) use house;
