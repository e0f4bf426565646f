//! `agent doctor`: whether everything an agent needs is there, and the command that mends what is not.

use std::{path::Path, time::Duration};

use serde::Serialize;

use crate::{
    browser::{Area, Browser, Deadline, ImageFormat, LaunchConfig, Sandbox},
    coordinator::Coordinator,
    read,
    spool::Spool,
};

/// One thing looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// Whether it is as it must be.
    pub ok: bool,
    /// What was found.
    pub found: String,
    /// The command that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<&'static str>,
}

impl Check {
    fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, ok: true, found: found.into(), mend: None }
    }

    fn bad(name: &'static str, found: impl Into<String>, mend: &'static str) -> Self {
        Self { name, ok: false, found: found.into(), mend: Some(mend) }
    }
}

/// Looks at everything. `coordinator` and `spool` only where they are configured.
pub async fn examine(
    browser: &LaunchConfig,
    coordinator: Option<&Coordinator>,
    spool: &Path,
) -> Vec<Check> {
    let mut checks = vec![user(browser), certificates(), reader(), pdf(), spool_folder(spool)];
    checks.push(sandbox(browser));
    checks.push(launch(browser).await);
    if let Some(coordinator) = coordinator {
        checks.push(match coordinator.reachable().await {
            Ok(()) => Check::good("coordinator", "answers"),
            Err(refusal) => Check::bad(
                "coordinator",
                refusal.to_string(),
                "start it with `coordinator serve`, or set FLEET_COORDINATOR_URL",
            ),
        });
    }
    checks
}

fn user(browser: &LaunchConfig) -> Check {
    if !nix::unistd::Uid::effective().is_root() {
        return Check::good("browser user", "not root: the browser runs as this user");
    }
    let wanted = browser.user.as_deref();
    let names = wanted.map_or(vec!["fleet-browser", "nobody"], |name| vec![name]);
    let known = |name: &str| nix::unistd::User::from_name(name).ok().flatten();
    match names.into_iter().find_map(known) {
        Some(user) if user.uid.is_root() => Check::bad(
            "browser user",
            "the browser must not run as root",
            "useradd --system fleet-browser; unset FLEET_BROWSER_USER",
        ),
        Some(user) => Check::good("browser user", user.name),
        None => Check::bad("browser user", "no such user", "useradd --system fleet-browser"),
    }
}

fn sandbox(browser: &LaunchConfig) -> Check {
    match browser.sandbox {
        Sandbox::On => Check::good("sandbox", "on"),
        Sandbox::OffForDevelopment => {
            Check::bad("sandbox", "off", "unset FLEET_SANDBOX_OFF; never with real data")
        }
    }
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn certificates() -> Check {
    if on_path("certutil") {
        return Check::good("certutil", "found");
    }
    Check::bad(
        "certutil",
        "not found; further certificate authorities cannot be trusted",
        "apt-get install libnss3-tools",
    )
}

fn pdf() -> Check {
    if on_path("pdftotext") {
        return Check::good("pdftotext", "found");
    }
    Check::bad("pdftotext", "not found; letters cannot be read", "apt-get install poppler-utils")
}

fn reader() -> Check {
    match read::data_folder() {
        Some(folder) => Check::good("tesseract data", folder),
        None => Check::bad(
            "tesseract data",
            "eng.traineddata not found",
            "apt-get install tesseract-ocr tesseract-ocr-eng, or set TESSDATA_PREFIX",
        ),
    }
}

fn spool_folder(spool: &Path) -> Check {
    match Spool::open(spool) {
        Ok(_) => Check::good("spool", spool.display().to_string()),
        Err(error) => Check::bad(
            "spool",
            format!("{}: {error}", spool.display()),
            "set FLEET_SPOOL_DIR to a folder this user may write",
        ),
    }
}

/// The real thing: a browser starts, opens a page and gives a picture.
async fn launch(config: &LaunchConfig) -> Check {
    const MEND: &str = "apt-get install chromium, or set FLEET_CHROMIUM; \
         where user namespaces are forbidden: sysctl kernel.unprivileged_userns_clone=1";
    let tried = async {
        let browser = Browser::launch(config.clone()).await?;
        let version = browser.version().to_owned();
        let context = browser.new_context().await?;
        let page = context.new_page().await?;
        page.wait_ready(Deadline::within(Duration::from_secs(10))).await?;
        let picture = page.screenshot(Area::Viewport, ImageFormat::Png).await?;
        browser.close().await;
        Ok::<_, crate::browser::Error>((version, picture.len()))
    };
    match tokio::time::timeout(Duration::from_secs(40), tried).await {
        Ok(Ok((version, size))) => {
            Check::good("chromium", format!("{version}, {size} bytes drawn"))
        }
        Ok(Err(error)) => Check::bad("chromium", error.to_string(), MEND),
        Err(_) => Check::bad("chromium", "did not start within 40 s", MEND),
    }
}
