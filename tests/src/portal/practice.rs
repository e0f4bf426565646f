//! A simulated payer for somebody who learns to write scripts: Verity Review with three invented cases, and a folder with
//! everything the commands of docs/tutorial.md name. Started again, it is the same payer with the same cases.

use std::{
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use jiff::civil::date;
use serde_json::json;

use super::{
    Act, Control, Options, Skin,
    accounts::Skins,
    mail::Message,
    serve::{self, Running},
    sim::Profile,
    store::{FiledLine, Filing},
    verity,
    world::Account,
};

/// The payer to practice on.
const PROFILE: &Profile = &verity::PROFILE;
/// Whose account it is.
const ACCOUNT: &str = "auto01";
/// Whom the cases are about.
const MEMBER: &str = "W100000002";
/// What is to be read: the file with its input, the service, and what became of it.
const CASES: [(&str, &str, &str); 3] = [
    ("request.json", "72148", "approved"),
    ("denied.json", "70551", "denied"),
    ("waiting.json", "72146", "more information wanted"),
];

/// A payer to practice on, while it serves.
pub struct Practice {
    /// The payer.
    pub running: Running,
    folder: PathBuf,
    account: &'static Account,
    /// Numbers of the cases, in the order of [`CASES`].
    cases: Vec<String>,
}

/// Starts the payer with its state in `folder`, and writes there what a person needs.
///
/// # Errors
/// The folder cannot be written, or no port is free.
pub async fn start(folder: &Path, skin: Skin) -> Result<Practice> {
    std::fs::create_dir_all(folder.join("scripts").join(PROFILE.slug))
        .with_context(|| format!("making {}", folder.display()))?;
    let folder = folder.canonicalize()?;
    let options = Options::quick(folder.join("payer"), folder.join("payer").join("ca"));
    let running = serve::start(PROFILE, options).await?;
    running.sim.sessions.set_skins(Skins::One(skin));
    let account = running.sim.accounts.find(ACCOUNT).context("the world has the account")?;
    let cases = cases(&running.sim.kept, &running.ready.control()).await?;
    running.sim.flush().await;
    let practice = Practice { running, folder, account, cases };
    practice.write_files()?;
    Ok(practice)
}

/// The numbers of the cases; files and decides them when the payer has none yet.
async fn cases(kept: &super::journal::Kept, control: &Control) -> Result<Vec<String>> {
    const KEPT: &str = "practice/cases";
    if let Some(known) = kept.get(KEPT) {
        return Ok(serde_json::from_value(known)?);
    }
    let mut numbers = Vec::new();
    for (_, code, stands) in CASES {
        let filed = control.file(&filing(code)).await?;
        let number = filed["case"].as_str().context("a filed case has a number")?.to_owned();
        let act = match stands {
            "approved" => Act::Approve,
            "denied" => Act::Deny { reason: "Not medically necessary.".to_owned() },
            _ => Act::RequestInfo { documents: vec!["Office note".to_owned()] },
        };
        control.act(&number, &act).await?;
        numbers.push(number);
    }
    // Decisions are faxed first and shown half an hour later.
    control.advance("P1D").await?;
    kept.put(KEPT, json!(numbers));
    Ok(numbers)
}

fn filing(code: &str) -> Filing {
    let day = date(2026, 3, 9);
    Filing {
        member_id: MEMBER.to_owned(),
        plan: "CLM".to_owned(),
        requesting_npi: "1234567893".to_owned(),
        servicing_npi: "1999999984".to_owned(),
        diagnoses: vec!["M54.50".to_owned()],
        lines: vec![FiledLine { code: code.to_owned(), units: 1, from: day, to: day }],
        ..Filing::default()
    }
}

impl Practice {
    /// The messages the account has got so far, newest last.
    pub fn messages(&self) -> Vec<Message> {
        let sim = &self.running.sim;
        sim.mail.messages(&sim.kept, &self.account.email, sim.now())
    }

    /// What a person reads when it has started.
    pub fn welcome(&self) -> String {
        let folder = shown(&self.folder);
        let at = |name: &str| folder.join(name).display().to_string();
        let mut text = format!(
            "Verity Review is open, with invented people and cases, until Ctrl-C. Its files are in {}/.\n\n  \
             Log in as   {}, password {}\n              the code is e-mailed and shown below\n  Cases",
            folder.display(),
            self.account.id,
            self.account.password,
        );
        let mut lead = "       ";
        for ((file, _, stands), number) in CASES.iter().zip(&self.cases) {
            text.push_str(&format!("{lead}{number}  {stands:<24} {}\n", at(file)));
            lead = "              ";
        }
        text.push_str(&format!(
            "\nIn another terminal:\n  . {:<20} what `agent try` needs to find the portal and to trust it\n  {:<22} Chrome at the portal, to record in\n\n\
             The way from here: docs/tutorial.md\n",
            at("env"),
            at("chrome"),
        ));
        text
    }

    fn write_files(&self) -> Result<()> {
        let ready = &self.running.ready;
        for ((file, _, _), number) in CASES.iter().zip(&self.cases) {
            let input = json!({"member": {"id": MEMBER}, "reference": number});
            self.write(file, 0o644, &format!("{}\n", serde_json::to_string_pretty(&input)?))?;
        }
        self.write("ready.json", 0o600, &serde_json::to_string(ready)?)?;
        let secrets = format!(
            "user = \"{}\"\npassword = \"{}\"\n# Where the agent reads the e-mailed code.\n\
             code = \"https://reader:{}@{}/boxes/{}/messages#subject=Your Verity code\"\n",
            self.account.id,
            self.account.password,
            ready.mail.bearer,
            ready.mail.host,
            self.account.email,
        );
        self.write("secrets.toml", 0o600, &secrets)?;
        // An editor finds the language's schema where the draft's first line says.
        let schemas = self.folder.join("scripts/schema");
        std::fs::create_dir_all(&schemas)?;
        for entry in std::fs::read_dir(crate::fleet::repository().join("scripts/schema"))? {
            let entry = entry?;
            std::fs::copy(entry.path(), schemas.join(entry.file_name()))?;
        }
        self.write("env", 0o644, &self.env()?)?;
        self.write("chrome", 0o755, &self.chrome()?)
    }

    fn write(&self, name: &str, mode: u32, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        let mut options = std::fs::File::options();
        let file = options.write(true).create(true).truncate(true).mode(mode).open(&path);
        let mut file = file.with_context(|| format!("writing {}", path.display()))?;
        Ok(file.write_all(text.as_bytes())?)
    }

    fn env(&self) -> Result<String> {
        let ready = &self.running.ready;
        let mail = format!("{}={}", ready.mail.host, ready.mail.addr);
        let hosts = ready.hosts.iter().map(|(host, addr)| format!("{host}={addr}"));
        let rules: Vec<String> = hosts.chain([mail]).collect();
        let own = std::env::current_exe().context("asking where this program lies")?;
        let programs = own.parent().context("a program lies in a folder")?;
        Ok(format!(
            "# For the shell: `. {}`\nexport FLEET_HOST_RULES={}\nexport FLEET_EXTRA_CA={}\nexport PATH={}:\"$PATH\"\n",
            shown(&self.folder).join("env").display(),
            rules.join(","),
            quoted(&ready.ca.display().to_string()),
            quoted(&programs.display().to_string()),
        ))
    }

    /// A Chrome that finds the portal and nothing else, and trusts the one certificate it shows.
    fn chrome(&self) -> Result<String> {
        let ready = &self.running.ready;
        let pin = self.running.sim.certs.pin().context("the certificate has a key")?;
        let host = PROFILE.hosts.first().context("a payer has a host")?;
        let rules = format!("MAP {host} {}, MAP * ~NOTFOUND", ready.addr(host)?);
        let profile = quoted(&self.folder.join("chrome-profile").display().to_string());
        Ok(format!(
            "#!/bin/sh\n# Chrome with a profile of its own, at the simulated portal. Set CHROME where it is not found.\n\
             for chrome in \"$CHROME\" google-chrome google-chrome-stable chromium chromium-browser \\\n    \
             /usr/lib/chromium/chromium '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'; do\n  \
             if [ -n \"$chrome\" ] && command -v \"$chrome\" >/dev/null 2>&1; then found=$chrome; break; fi\ndone\n\
             if [ -z \"$found\" ]; then echo 'No Chrome or Chromium found: set CHROME to its path.' >&2; exit 1; fi\n\
             # As root Chrome has no sandbox; this profile reaches the simulated portal alone.\n\
             if [ \"$(id -u)\" = 0 ]; then set -- --no-sandbox \"$@\"; fi\n\
             exec \"$found\" --user-data-dir={profile} --no-first-run --no-default-browser-check \\\n  \
             --host-resolver-rules='{rules}' --ignore-certificate-errors-spki-list={pin} \\\n  \
             \"$@\" https://{host}/\n",
        ))
    }
}

/// A path as a person would type it here.
fn shown(path: &Path) -> &Path {
    let here = std::env::current_dir().ok().and_then(|here| here.canonicalize().ok());
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path)
}

/// A word for the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_same_payer_is_there_again_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let first = start(dir.path(), Skin::V1).await.unwrap();
        let (cases, ready) = (first.cases.clone(), first.running.ready.clone());
        assert_eq!(cases, ["V0123456790", "V0123456791", "V0123456792"]);
        let welcome = first.welcome();
        for told in ["auto01", &first.account.password, "V0123456792", "docs/tutorial.md"] {
            assert!(welcome.contains(told), "{told} in\n{welcome}");
        }
        let secrets = std::fs::read_to_string(dir.path().join("secrets.toml")).unwrap();
        first.running.sim.flush().await;
        drop(first);
        let again = start(dir.path(), Skin::V2).await.unwrap();
        assert_eq!(again.cases, cases);
        assert_eq!(again.running.ready.truth().cases().await.unwrap().len(), 3);
        assert_eq!(again.running.ready.mail.bearer, ready.mail.bearer);
        assert_eq!(
            std::fs::read_to_string(dir.path().join("secrets.toml")).unwrap(),
            secrets,
            "a shell opened before still knows the way"
        );
        assert_eq!(again.running.sim.sessions.skin_before_sign_in(), Skin::V2);
    }

    #[test]
    fn words_for_the_shell_stay_one_word() {
        assert_eq!(quoted("/a b/it's"), "'/a b/it'\\''s'");
    }
}
