//! docs/tutorial.md as a newcomer follows it: every command is run, every change is made, everything shown is compared.
//! What follows the three marks of a block says what it is: `sh`, `sh serve` (stays open), `sh chrome` (a window; here without
//! one), `sh exit 8`, `text` (shown by the command before it), `yaml` (in the script), `diff` (a change of the script).

use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

use anyhow::{Context as _, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tests::fleet::{process::binary, repository};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use super::PATIENCE;

const SCRIPT: &str = "practice/scripts/verity/auth_status.yaml";

/// A block of the page.
struct Block {
    mark: String,
    text: String,
    line: usize,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open = false;
    for (at, line) in page.lines().enumerate() {
        match (open, line.strip_prefix("```")) {
            (false, Some(mark)) => {
                found.push(Block { mark: mark.to_owned(), text: String::new(), line: at + 1 });
                open = true;
            }
            (true, Some(_)) => open = false,
            (true, None) => {
                let block = found.last_mut().expect("an open block was pushed");
                block.text.push_str(line);
                block.text.push('\n');
            }
            (false, None) => {}
        }
    }
    found
}

/// The newcomer: a folder like a fresh clone, one terminal for the payer and one for everything else.
struct Newcomer {
    place: tempfile::TempDir,
    payer: Option<Child>,
    /// What was said to the shell for good.
    settings: String,
    output: String,
}

impl Newcomer {
    fn new() -> Result<Newcomer> {
        let place = tempfile::tempdir()?;
        // the browser's own user must reach what lies here
        std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755))?;
        for part in ["agent", "docs", "scripts"] {
            std::os::unix::fs::symlink(repository().join(part), place.path().join(part))?;
        }
        let shims = place.path().join("shims");
        std::fs::create_dir(&shims)?;
        // everything is built already; `cargo run` becomes the program itself
        let payer = binary("payer")?;
        let cargo = format!(
            "#!/bin/sh\ncase \"$1\" in build) exit 0;; esac\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec {} \"$@\"\n",
            payer.display()
        );
        for (name, text) in [("cargo", cargo.as_str()), ("make", "#!/bin/sh\n")] {
            std::fs::write(shims.join(name), text)?;
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(shims.join(name), mode)?;
        }
        binary("agent")?;
        Ok(Newcomer { place, payer: None, settings: String::new(), output: String::new() })
    }

    fn path(&self) -> &Path {
        self.place.path()
    }

    fn shell(&self, text: &str) -> Command {
        let mut command = Command::new("bash");
        let path = std::env::var("PATH").unwrap_or_default();
        command.args(["-euc", &format!("{}{text}", self.settings)]).current_dir(self.path());
        command.env("PATH", format!("{}:{path}", self.path().join("shims").display()));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FLEET_")) {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Ends the payer of before as Ctrl-C does, and starts another; returns when it has said everything.
    async fn serve(&mut self, text: &str) -> Result<()> {
        self.end_payer().await?;
        let mut child = self.shell(&format!("exec {text}")).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("the output is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        self.output.clear();
        let welcome = async {
            while let Some(line) = lines.next_line().await? {
                self.output.push_str(&line);
                self.output.push('\n');
                if line.contains("docs/tutorial.md") {
                    return Ok(());
                }
            }
            anyhow::bail!("the payer ended before it was ready:\n{}", self.output)
        };
        tokio::time::timeout(PATIENCE, welcome).await.context("the payer says nothing")??;
        // what it says later must not fill the pipe
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.payer = Some(child);
        Ok(())
    }

    async fn end_payer(&mut self) -> Result<()> {
        let Some(mut payer) = self.payer.take() else { return Ok(()) };
        let id = i32::try_from(payer.id().context("the payer runs")?)?;
        kill(Pid::from_raw(id), Signal::SIGINT)?;
        let ended = tokio::time::timeout(PATIENCE, payer.wait()).await??;
        ensure!(ended.success(), "the payer ended with {ended}");
        Ok(())
    }

    async fn run(&mut self, text: &str, wanted: i32) -> Result<()> {
        for line in text.lines().filter(|line| line.starts_with(". ")) {
            let (kept, _) = line.split_once('#').unwrap_or((line, ""));
            self.settings.push_str(kept);
            self.settings.push('\n');
        }
        let done = tokio::time::timeout(PATIENCE, self.shell(text).output()).await??;
        self.output = [done.stdout, done.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .concat();
        ensure!(done.status.code() == Some(wanted), "{}: {text}{}", done.status, self.output);
        Ok(())
    }

    fn script(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.path().join(SCRIPT))?)
    }

    /// Makes a change of the page in the script; what is changed must be there exactly once.
    fn change(&self, diff: &str) -> Result<()> {
        let side = |other: char| -> String {
            let kept = diff.lines().filter(|line| !line.starts_with(other));
            kept.map(|line| format!("{}\n", line.get(1..).unwrap_or_default())).collect()
        };
        let (old, new) = (side('+'), side('-'));
        let script = self.script()?;
        let count = script.matches(&old).count();
        ensure!(count == 1, "{count} times in the script:\n{old}\n{script}");
        std::fs::write(self.path().join(SCRIPT), script.replacen(&old, &new, 1))?;
        Ok(())
    }

    /// Every line is in a line of the output; `…` stands for anything.
    fn shows(&self, text: &str) -> Result<()> {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let shown = self.output.lines().any(|told| {
                let mut rest = told;
                line.trim().split('…').all(|part| match rest.split_once(part.trim()) {
                    Some((_, after)) => {
                        rest = after;
                        true
                    }
                    None => false,
                })
            });
            ensure!(shown, "not shown: {line}\n{}", self.output);
        }
        Ok(())
    }

    async fn follow(&mut self, block: &Block) -> Result<()> {
        let (text, mark) = (block.text.as_str(), block.mark.as_str());
        match mark {
            "sh serve" => self.serve(text).await,
            "sh chrome" => {
                let text = format!("{} --headless --dump-dom", text.trim());
                self.run(&text, 0).await?;
                self.shows("I agree to the HIPAA Disclosure")
            }
            "text" => self.shows(text),
            "diff" => self.change(text),
            "yaml" => {
                let script = self.script()?;
                ensure!(script.contains(text), "not in the script:\n{text}\n{script}");
                Ok(())
            }
            _ => {
                let words = mark.strip_prefix("sh").context("a mark nobody knows")?;
                let code = words.trim().strip_prefix("exit ").map_or(Ok(0), str::parse);
                self.run(text, code?).await
            }
        }
    }
}

#[tokio::test]
async fn the_tutorial_holds_to_the_letter() -> Result<()> {
    let page = std::fs::read_to_string(repository().join("docs/tutorial.md"))?;
    let blocks = blocks(&page);
    for wanted in ["sh serve", "sh chrome", "text", "diff", "yaml", "sh", "sh exit 7", "sh exit 8"]
    {
        assert!(blocks.iter().any(|block| block.mark == wanted), "no block marked {wanted}");
    }
    let mut newcomer = Newcomer::new()?;
    for block in &blocks {
        let place = || format!("docs/tutorial.md:{}: {}", block.line, block.mark);
        newcomer.follow(block).await.with_context(place)?;
    }
    somebody_else_s_case(&mut newcomer).await?;
    newcomer.end_payer().await
}

/// The script of the tutorial never tells of another member's case.
async fn somebody_else_s_case(newcomer: &mut Newcomer) -> Result<()> {
    newcomer.serve("cargo run --bin payer -- practice").await?;
    let own = std::fs::read_to_string(newcomer.path().join("practice/request.json"))?;
    let other = own.replace("W100000002", "W100000001");
    std::fs::write(newcomer.path().join("practice/other.json"), other)?;
    let text = format!(
        "agent try {SCRIPT} --input practice/other.json --secrets practice/secrets.toml --out practice/out/other --json"
    );
    newcomer.run(&text, 8).await?;
    newcomer.shows("\"name\":\"case_of_other_member\"")
}

#[test]
fn blocks_know_their_marks_and_lines() {
    let found = blocks("a\n```sh exit 8\nfalse\n```\n```diff\n-a\n+b\n```\n");
    let told: Vec<_> = found.iter().map(|b| (b.mark.as_str(), b.text.as_str(), b.line)).collect();
    assert_eq!(told, [("sh exit 8", "false\n", 2), ("diff", "-a\n+b\n", 5)]);
}
