//! Scripts in a folder: what the command line reads them from.

use std::path::{Path, PathBuf};

use domain::script::Source;

/// The folder `scripts/`.
#[derive(Debug, Clone)]
pub struct ScriptFolder {
    root: PathBuf,
}

impl ScriptFolder {
    /// Scripts below this folder.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder and the script's id for a path such as `scripts/harbor/submit.yaml`: the id is what follows the
    /// last folder called `scripts`, else what the first line of the file says.
    #[must_use]
    pub fn of(path: &Path) -> Option<(Self, String)> {
        let parts: Vec<&std::ffi::OsStr> = path.iter().collect();
        if let Some(at) = parts.iter().rposition(|part| *part == "scripts") {
            let root: PathBuf = parts[..=at].iter().collect();
            let rest: PathBuf = parts[at + 1..].iter().collect();
            return Some((Self::new(&root), id_of(&rest)?));
        }
        let text = std::fs::read_to_string(path).ok()?;
        let id = text.lines().find_map(|line| {
            line.strip_prefix("script:")
                .map(|rest| rest.trim().trim_matches(['"', '\'']).to_owned())
        })?;
        let depth = id.split('/').count();
        let full = path.canonicalize().ok()?;
        let root = full.ancestors().nth(depth)?;
        Some((Self::new(root), id))
    }
}

fn id_of(path: &Path) -> Option<String> {
    let id = path.with_extension("");
    id.to_str().map(|id| id.replace('\\', "/"))
}

impl Source for ScriptFolder {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        if path.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
            return Err("not a path below the folder of scripts".to_owned());
        }
        std::fs::read(self.root.join(path)).map_err(|error| error.to_string())
    }
}
