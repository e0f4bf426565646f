//! Counts of looks, as tables and as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::lookup::{Look, Verdict};

/// Methods in the order of the table.
const METHODS: [&str; 8] =
    ["ours", "ours_top1", "first_strategy", "role_and_name", "id", "name", "similo", "similo_bare"];

#[derive(Clone, Copy, Default)]
struct Count {
    asked: u64,
    right: u64,
    wrong: u64,
}

impl Count {
    fn add(&mut self, verdict: Verdict) {
        self.asked += 1;
        match verdict {
            Verdict::Right => self.right += 1,
            Verdict::Wrong => self.wrong += 1,
            Verdict::Nobody => {}
        }
    }

    fn share(part: u64, of: u64) -> f64 {
        if of == 0 { 0.0 } else { part as f64 / of as f64 }
    }

    fn coverage(&self) -> f64 {
        Self::share(self.right + self.wrong, self.asked)
    }

    fn precision(&self) -> f64 {
        if self.right + self.wrong == 0 {
            1.0
        } else {
            Self::share(self.right, self.right + self.wrong)
        }
    }

    fn json(&self) -> Value {
        json!({"asked": self.asked, "right": self.right, "wrong": self.wrong,
            "coverage": round(self.coverage()), "precision": round(self.precision()),
            "right_share": round(Self::share(self.right, self.asked)),
            "wrong_share": round(Self::share(self.wrong, self.asked))})
    }
}

fn round(x: f64) -> f64 {
    (x * 10_000.0).round() / 10_000.0
}

#[derive(Default)]
struct Cell {
    looks: u64,
    by: BTreeMap<String, Count>,
    ms: Vec<f64>,
}

impl Cell {
    fn add(&mut self, look: &Look) {
        self.looks += 1;
        for (method, verdict) in &look.verdicts {
            self.by.entry(method.clone()).or_default().add(*verdict);
        }
        self.ms.push(look.ms);
    }

    fn of(&self, method: &str) -> Count {
        self.by.get(method).copied().unwrap_or_default()
    }

    fn percentile(&self, share: f64) -> f64 {
        let mut sorted = self.ms.clone();
        sorted.sort_by(f64::total_cmp);
        let at = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
        sorted.get(at).copied().map_or(0.0, |ms| (ms * 10.0).round() / 10.0)
    }

    fn json(&self) -> Value {
        let mut out = json!({"looks": self.looks, "ms": {"p50": self.percentile(0.5), "p95": self.percentile(0.95)}});
        for (method, count) in &self.by {
            out[method] = count.json();
        }
        out
    }
}

/// Everything that was looked at, in groups.
#[derive(Default)]
pub(super) struct Figures {
    cells: BTreeMap<(String, String), Cell>,
}

impl Figures {
    /// Adds one look. `half` is `tuning` or `scored`.
    pub(super) fn add(&mut self, op: &str, payer: &str, half: &str, look: &Look) {
        let kind = match op {
            "v2" => "redesign",
            "clutter" => "clutter",
            "twin" => "missing",
            // Removed, or on another page of a list.
            _ if !look.present => "missing",
            _ => "changed",
        };
        let groups = [
            ("operator".to_owned(), op.to_owned()),
            ("payer".to_owned(), payer.to_owned()),
            ("total".to_owned(), format!("{kind} {half}")),
            (format!("op {half}"), op.to_owned()),
            (format!("{op} by payer"), payer.to_owned()),
        ];
        for group in groups {
            // Pages made long on purpose tell of time only.
            if kind != "clutter" || group.0 == "total" {
                self.cells.entry(group).or_default().add(look);
            }
        }
    }

    fn cell(&self, group: &str, name: &str) -> Option<&Cell> {
        self.cells.get(&(group.to_owned(), name.to_owned()))
    }

    fn total(&self, name: &str, method: &str) -> Count {
        self.cell("total", name).map(|cell| cell.of(method)).unwrap_or_default()
    }

    /// The figures that are held against the aims: of the half that is only scored.
    pub(super) fn json(&self) -> Value {
        let changed = self.total("changed scored", "ours");
        let missing = self.total("missing scored", "ours");
        let clutter = self.cell("total", "clutter scored");
        let mut out = json!({
            "precision": round(changed.precision()),
            "coverage": round(changed.coverage()),
            "wrong_element_rate": round(Count::share(missing.wrong, missing.asked)),
            "redesign_top1": round(Count::share(
                self.total("redesign scored", "ours_top1").right,
                self.total("redesign scored", "ours_top1").asked)),
            "ms": clutter.map_or(Value::Null, |cell| json!({
                "p50": cell.percentile(0.5), "p95": cell.percentile(0.95), "candidates": super::CLUTTER})),
            "groups": {},
        });
        for ((group, name), cell) in &self.cells {
            out["groups"][group][name] = cell.json();
        }
        out
    }

    /// Prints what there is so far, in short.
    pub(super) fn print_totals(&self) {
        self.print_groups(&[("totals", "total")]);
    }

    /// Prints the tables.
    pub(super) fn print(&self) {
        let groups = [("totals", "total"), ("by operator", "operator"), ("by payer", "payer")];
        self.print_groups(&groups);
    }

    fn print_groups(&self, groups: &[(&str, &str)]) {
        for (title, group) in groups {
            println!(
                "healing, {title}: share right / share wrong, in percent; ours: answered, precision"
            );
            println!(
                "{:18} {:>6} {:>14} {}",
                "",
                "looks",
                "answered/prec",
                METHODS.map(|m| format!("{m:>15}")).join("")
            );
            for ((_, name), cell) in self.cells.iter().filter(|((of, _), _)| of == *group) {
                let ours = cell.of("ours");
                let methods = METHODS.map(|method| {
                    let count = cell.of(method);
                    let share = |part| Count::share(part, count.asked) * 100.0;
                    format!(
                        "{:>15}",
                        format!("{:.1} / {:.1}", share(count.right), share(count.wrong))
                    )
                });
                println!(
                    "{name:18} {:>6} {:>14} {} {:>6.1} {:>6.1} ms",
                    cell.looks,
                    format!("{:.1}/{:.1}", ours.coverage() * 100.0, ours.precision() * 100.0),
                    methods.join(""),
                    cell.percentile(0.5),
                    cell.percentile(0.95)
                );
            }
        }
    }
}
