//! `tests/miniwob/tasks.json`: how each task's parameters are read from what its page says. Not part of the measured time, and the
//! same for every engine.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result, ensure};
use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::site::Ready;

const TASKS: &str = include_str!("../../../../tests/miniwob/tasks.json");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tasks: BTreeMap<String, Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// Named groups are the parameters.
    says: String,
    /// Groups that are lists, separated by `,` or `>`; "nothing" is none.
    #[serde(default)]
    lists: Vec<String>,
    /// Further parameters, by rewriting others.
    #[serde(default)]
    derive: BTreeMap<String, Derived>,
    /// A choice among what the page shows from the beginning.
    shown: Option<Choice>,
    then: Option<Then>,
}

/// A parameter made from another one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Derived {
    of: String,
    find: String,
    put: String,
}

/// The best of several rows of text.
#[derive(Deserialize)]
pub(crate) struct Choice {
    row: String,
    /// The task's wish → `min` or `max`, and the groups compared in order.
    pick: BTreeMap<String, String>,
}

/// What follows the first steps.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Then {
    /// The parameter that says how many seconds to wait.
    pause_s: Option<String>,
    /// What the first steps read.
    read: Option<String>,
    row: Option<String>,
    pick: Option<BTreeMap<String, String>>,
    /// The further steps.
    pub(crate) run: String,
}

/// One task.
pub(crate) struct Task {
    pub(crate) name: String,
    says: Regex,
    lists: Vec<String>,
    derive: BTreeMap<String, Derived>,
    shown: Option<Choice>,
    pub(crate) then: Option<Then>,
}

impl Task {
    /// All tasks, by name.
    pub(crate) fn all() -> Result<Vec<Self>> {
        let file: File = serde_json::from_str(TASKS).context("tasks.json")?;
        let task = |(name, written): (String, Written)| {
            let says = Regex::new(&written.says).with_context(|| format!("what `{name}` says"))?;
            let Written { lists, derive, shown, then, .. } = written;
            Ok(Self { name, says, lists, derive, shown, then })
        };
        file.tasks.into_iter().map(task).collect()
    }

    /// The parameters.
    pub(crate) fn inputs(&self, ready: &Ready) -> Result<Value> {
        let said = &ready.utterance;
        let groups = self.says.captures(said).with_context(|| format!("not understood: {said}"))?;
        let mut inputs = Map::new();
        for name in self.says.capture_names().flatten() {
            let Some(value) = groups.name(name) else { continue };
            let value = value.as_str();
            let value = if self.lists.iter().any(|list| list == name) {
                if value == "nothing" {
                    continue;
                }
                json!(value.split([',', '>']).map(str::trim).collect::<Vec<_>>())
            } else if name == "date" {
                json!(iso(value).with_context(|| format!("not a date: {value}"))?)
            } else {
                json!(value)
            };
            inputs.insert(name.to_owned(), value);
        }
        for (name, derived) in &self.derive {
            let from = inputs.get(&derived.of).and_then(Value::as_str).unwrap_or_default();
            let made = Regex::new(&derived.find)?.replace(from, derived.put.as_str()).into_owned();
            inputs.insert(name.clone(), json!(made));
        }
        let mut inputs = Value::Object(inputs);
        if let Some(choice) = &self.shown {
            choose(&choice.row, &choice.pick, &ready.shown, &mut inputs)?;
        }
        Ok(inputs)
    }
}

impl Then {
    pub(crate) fn pause(&self, inputs: &Value) -> Result<Option<Duration>> {
        let Some(name) = &self.pause_s else { return Ok(None) };
        let seconds = inputs[name].as_str().context("no seconds")?;
        // A press takes its time, too: part of the pause is left to it. The page takes anything from a third of the seconds on.
        Ok(Some(Duration::from_secs(seconds.parse()?).mul_f64(0.6)))
    }

    pub(crate) fn pick(&self, read: &Value, inputs: &mut Value) -> Result<()> {
        if let (Some(name), Some(row), Some(pick)) = (&self.read, &self.row, &self.pick) {
            let shown = read[name].as_str().with_context(|| format!("`{name}` was not read"))?;
            choose(row, pick, shown, inputs)?;
        }
        Ok(())
    }
}

/// Adds the groups of the best row to the parameters.
fn choose(
    row: &str,
    pick: &BTreeMap<String, String>,
    shown: &str,
    inputs: &mut Value,
) -> Result<()> {
    let wish = inputs["wish"].as_str().context("no wish")?;
    let how = pick.get(wish).with_context(|| format!("an unknown wish: {wish}"))?;
    let (end, fields) = how.split_once(' ').context("`min` or `max`, then names")?;
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    let row = Regex::new(row)?;
    let key = |found: &regex::Captures<'_>| {
        fields.split(' ').map(|field| found[field].parse::<u64>().unwrap_or(0)).collect::<Vec<_>>()
    };
    let rows = row.captures_iter(&shown);
    let best = match end {
        "min" => rows.min_by_key(key),
        _ => rows.max_by_key(key),
    };
    let best = best.with_context(|| format!("no row in: {shown}"))?;
    for name in row.capture_names().flatten() {
        inputs[name] = json!(best[name]);
    }
    ensure!(inputs.is_object(), "parameters are named");
    Ok(())
}

/// `12/31/2016` → `2016-12-31`.
fn iso(date: &str) -> Option<String> {
    let parts: Vec<&str> = date.split('/').collect();
    let [month, day, year] = parts.as_slice() else { return None };
    Some(format!("{year}-{month}-{day}"))
}
