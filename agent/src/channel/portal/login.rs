//! Filling a secret: from the script's alias to the one door, with the login counted before the act.

use std::time::Duration;

use domain::script::{
    Name,
    ast::{self, HostUse, SecretKind, Target},
};
use tokio::time::Instant;

use super::{Halt, Portal};
use crate::{
    browser::{Deadline, Query},
    fault::{self, Side},
    secret::{self, Allowed, Entry, Shut},
};

/// A secret that took longer was waited for.
const LONG: Duration = Duration::from_secs(2);
/// Time to type a code that was waited for.
const AFTER_WAIT: Duration = Duration::from_secs(20);
/// Least rest of a lease for which a secret is released.
const LEASE_LEFT: Duration = Duration::from_secs(15);

impl Portal<'_> {
    /// Types the secret behind an alias into a field, or ends the attempt.
    pub(crate) async fn fill_secret(
        &mut self,
        target: &Target,
        alias: &str,
        within: Deadline,
    ) -> Result<(), Halt> {
        let short = alias.rsplit('.').next().unwrap_or(alias);
        let Some(kind) = self.bundle.secret_kind(alias) else {
            return Err(self.bad_input(&format!("no secret is called `{short}`")));
        };
        self.watch().await?;
        if !self.doors.standing().has(LEASE_LEFT) {
            return Err(self.raise("out_of_time", "too little of the lease is left for a login"));
        }
        let point = if kind.is_code() { "totp" } else { "fill_secret" };
        fault::point(point, Side::Before).await;
        let (page, found) = self.find(target, within).await?;
        let bundle = self.bundle;
        let hosts = |address: &str| host_use(bundle, address) == Some(HostUse::Login);
        let allowed = Allowed { origins: &self.errand.login_origins, is_login_host: &hosts };
        let origin = match secret::check(&page, &found, Entry::Field(kind), &allowed).await {
            Ok(origin) => origin,
            Err(shut) => return Err(self.shut(short, &shut)),
        };
        if kind == SecretKind::Password {
            self.doors.login().await.map_err(|denied| self.denied(denied))?;
            self.logins += 1;
        }
        let asked = Instant::now();
        let released = self.doors.secret(short, &origin).await;
        let released = released.map_err(|denied| self.denied(denied))?;
        let mut within = within;
        if asked.elapsed() > LONG {
            // Somebody was asked, or a mail was waited for: the time of the wait is not the field's, and the place may be another.
            within = Deadline::within(AFTER_WAIT).at_most(self.deadline.left());
            let again = secret::check(&page, &found, Entry::Field(kind), &allowed).await;
            if let Err(shut) = again {
                return Err(self.shut(short, &shut));
            }
        }
        // From here until it is typed: no picture, no document.
        self.observe.suspend(true);
        let typed = secret::type_into(&page, &found, released, &allowed, within).await;
        let sought = self.sought(target);
        if kind.is_code() || kind == SecretKind::Password || kind == SecretKind::Pin {
            self.observe.blacken(sought?.strategies.into_iter().flatten());
        }
        self.observe.suspend(false);
        if let Err(shut) = typed {
            return Err(self.shut(short, &shut));
        }
        self.observe.act("fill", Some(super::locate::called(target)));
        fault::point(point, Side::After).await;
        Ok(())
    }

    /// Presses the keys of a pad for the characters of a secret, or ends the attempt. No act of it is recorded: where the pointer
    /// was would tell what was pressed.
    pub(crate) async fn press_secret(
        &mut self,
        target: &Target,
        pad: &ast::Keypad,
        within: Deadline,
    ) -> Result<(), Halt> {
        let short = pad.secret.short();
        if self.bundle.secret_kind(short) != Some(SecretKind::Pin) {
            return Err(self.bad_input(&format!("`{short}` is no secret for a keypad")));
        }
        self.watch().await?;
        if !self.doors.standing().has(LEASE_LEFT) {
            return Err(self.raise("out_of_time", "too little of the lease is left for a login"));
        }
        fault::point("fill_secret", Side::Before).await;
        let (page, found) = self.find(target, within).await?;
        let bundle = self.bundle;
        let hosts = |address: &str| host_use(bundle, address) == Some(HostUse::Login);
        let allowed = Allowed { origins: &self.errand.login_origins, is_login_host: &hosts };
        let origin = match secret::check(&page, &found, Entry::Keypad, &allowed).await {
            Ok(origin) => origin,
            Err(shut) => return Err(self.shut(short, &shut)),
        };
        let ways = |name: &Name| -> Result<Vec<Query>, Halt> {
            let sought = self.sought(&Target::Named(name.clone()))?;
            Ok(sought.strategies.into_iter().flatten().collect())
        };
        let keypad = secret::Keypad {
            pad: &found,
            keys: ways(&pad.keys)?,
            places: pad.places.as_ref().map(ways).transpose()?,
            clear: pad.clear.as_ref().map(ways).transpose()?,
        };
        let black = self.sought(target)?.strategies.into_iter().flatten();
        self.observe.blacken(black.chain(keypad.keys.iter().cloned()));
        // From here until it is pressed: no picture, no document.
        self.observe.suspend(true);
        let released = self.doors.secret(short, &origin).await;
        let pressed = match released {
            Ok(released) => Ok(secret::press(&page, &keypad, released, &allowed, within).await),
            Err(denied) => Err(denied),
        };
        self.observe.suspend(false);
        if let Err(shut) = pressed.map_err(|denied| self.denied(denied))? {
            return Err(self.shut(short, &shut));
        }
        self.observe.act("fill", Some(super::locate::called(target)));
        fault::point("fill_secret", Side::After).await;
        Ok(())
    }

    fn shut(&self, alias: &str, shut: &Shut) -> Halt {
        let detail = format!("secret `{alias}`: {shut}");
        match shut {
            Shut::Origin(_) => self.raise("off_site", &detail),
            Shut::Field(_) => self.raise("element_missing", &detail),
            Shut::NotTyped(_) => self.raise("input_rejected", &detail),
            Shut::Browser(error) => self.broken(error),
        }
    }
}

/// What the script lists the host of an https address for.
pub(crate) fn host_use(bundle: &domain::script::Bundle, address: &str) -> Option<HostUse> {
    let url = url::Url::parse(address).ok()?;
    if url.scheme() != "https" {
        return None;
    }
    let host = url.host_str()?;
    let port = url.port_or_known_default()?;
    bundle.script.hosts.iter().find_map(|(name, usage)| {
        let (listed, listed_port) = match name.text.split_once(':') {
            Some((listed, port)) => (listed, port.parse().ok()?),
            None => (name.as_str(), 443),
        };
        (listed == host && listed_port == port).then_some(*usage)
    })
}
