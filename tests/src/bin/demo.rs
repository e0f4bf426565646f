//! The demonstration: the whole fleet on this machine with invented cases, watched live in the terminal.
//! `--once` ends by itself, writes `target/demo/report.json` and exits 0 only if every job settled as its portal's record says.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a person's terminal")]

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context as _, Result};
use clap::Parser;
use exchange::pas::answer::Answer;
use serde_json::{Value, json};
use tests::{
    fleet::{
        Fleet, Options, clinic, fallback,
        judge::{Said, judge},
        profile, repository, requests, sshd,
    },
    portal::clock::real_now,
};
use tokio::time::Instant;

/// Number of the authorization that ends soon at PlanBridge, from before the fleet was there.
const EARLIER: &str = "PB00030123";

/// Starts coordinator, six simulated payers and agents, submits invented cases and shows what happens.
#[derive(Parser)]
struct Args {
    /// End by itself with an exit status: 0 if every job settled as its portal's record says, 7 if not
    #[arg(long)]
    once: bool,
    /// Submit only the first N cases (at least 1)
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Slots of each of the two agents
    #[arg(long, default_value_t = 2)]
    slots: u32,
    /// Longest time for everything, in seconds
    #[arg(long, default_value_t = 900)]
    patience_s: u64,
}

/// One finished job with the comparison.
struct Row {
    job: Value,
    case: String,
    agrees: bool,
    truth: String,
    evidence: Vec<String>,
    seconds: f64,
}

struct Demo {
    fleet: Fleet,
    requests: BTreeMap<String, Value>,
    /// Cases that other software handed in by PAS: payer and case.
    by_pas: Vec<(&'static str, String)>,
    rows: BTreeMap<String, Row>,
    /// The newest state of every job, as last shown.
    shown: BTreeMap<String, Value>,
    began: Instant,
}

#[tokio::main]
async fn main() -> ExitCode {
    let ended = tokio::select! {
        ended = run(Args::parse()) => ended,
        // Everything that was started ends with the value that holds it.
        () = told_to_end() => Err(anyhow::anyhow!("told to end")),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(7),
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn told_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut term) => drop(term.recv().await),
        Err(_) => std::future::pending().await,
    }
}

async fn run(args: Args) -> Result<bool> {
    let out = target_dir().join("demo");
    println!("Starting six simulated payers, a coordinator and two agents …");
    let options = Options {
        agents: 2,
        slots: args.slots,
        lease_ttl_ms: 60_000,
        heartbeat_ms: 10_000,
        rest_unit_ms: 5_000,
        record_delay_ms: 5_000,
        status_every_ms: 100_000,
        payers: profile::ALL.to_vec(),
        fallback: true,
        // Without OpenSSH's server Harbor has its portal alone.
        batch: sshd::installed(),
        ..Options::story(out.join("fleet"))
    };
    let fleet = Fleet::start(options).await?;
    println!("Console: {}   (sign-in below)", fleet.api.base());
    let mut demo = Demo {
        fleet,
        requests: BTreeMap::new(),
        by_pas: Vec::new(),
        rows: BTreeMap::new(),
        shown: BTreeMap::new(),
        began: Instant::now(),
    };
    let deadline = Instant::now() + Duration::from_secs(args.patience_s);
    demo.submit_first_wave(args.jobs.unwrap_or(usize::MAX)).await?;
    demo.watch(deadline, Demo::nothing_under_way).await?;
    demo.submit_second_wave().await?;
    println!("The payers' clocks move forward by 49 hours, so that pended requests are decided.");
    for payer in profile::ALL {
        demo.fleet.control(payer).advance("PT49H").await?;
    }
    demo.submit_third_wave().await?;
    let mut settled = demo.watch(deadline, Demo::every_case_settled).await;
    if settled.is_ok() {
        demo.submit_while_portals_are_down().await?;
        settled = demo.watch(deadline, Demo::every_case_settled).await;
        demo.ask_as_other_software().await?;
    }
    if let Err(error) = &settled {
        println!("{error:#}");
    }
    let settled = settled.is_ok();
    let agrees = demo.report(&out.join("report.json"), settled)?;
    demo.print_table();
    demo.say_where().await?;
    if args.once {
        demo.fleet.end().await?;
        return Ok(agrees);
    }
    println!("\nThe fleet stays up. Ctrl-C ends it.");
    tokio::signal::ctrl_c().await?;
    println!("Ending …");
    demo.fleet.end().await?;
    Ok(true)
}

fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from)
}

impl Demo {
    async fn submit_first_wave(&mut self, most: usize) -> Result<()> {
        let note = self.fleet.api.document(requests::note_pdf("Clinical note")).await?;
        let auth = |member, code, units, days| {
            requests::prior_auth(member, code, units, days, Some(&note))
        };
        // A renewal is for the diagnosis, and by the provider, of the authorization it renews.
        let mut earlier = auth("M13", "E0601", 1, 21);
        earlier["servicing"]["npi"] = json!("1000000038");
        earlier["diagnoses"] = json!(["G47.33"]);
        let wave: Vec<(&str, Value)> = vec![
            ("crestline", auth("M01", "70551", 1, 7)),
            ("verity", requests::review("M01", "70551", 1, 8, Some(&note))),
            ("larkfield", auth("M06", "70551", 1, 9)),
            ("harbor", auth("M10", "70551", 1, 10)),
            ("planbridge", auth("M12", "70551", 1, 11)),
            ("rxbright", auth("M14", "J1750", 10, 12)),
            ("crestline", requests::claim_status("PC01")),
            ("larkfield", requests::claim_status("PC09")),
            ("harbor", requests::claim_status("PC03")),
            ("planbridge", requests::claim_status("PC07")),
            ("crestline", requests::eligibility("M01")),
            ("larkfield", requests::eligibility("M06")),
            ("harbor", requests::eligibility("M10")),
            ("planbridge", requests::eligibility("M12")),
            ("larkfield", requests::precheck("M06", "27447")),
            ("crestline", auth("M01", "E0601", 1, 13)),
            ("harbor", auth("M10", "K0005", 1, 14)),
            ("planbridge", requests::renewal(&earlier, EARLIER)),
            ("crestline", requests::claim_status("PC10")),
            ("harbor", requests::claim_status("PC04")),
        ];
        for (payer, request) in wave.into_iter().take(most.max(1)) {
            self.submit(payer, request).await?;
        }
        if most > 1 {
            // PlanBridge has a portal and nothing else; other software speaks PAS to it all the same.
            let request = requests::prior_auth("M12", "E0601", 1, 15, None);
            self.submit_as_other_software("planbridge", request).await?;
        }
        Ok(())
    }

    async fn submit_as_other_software(&mut self, payer: &'static str, asked: Value) -> Result<()> {
        let note = requests::note_pdf("Clinical note");
        let (case, answer) = clinic::submit(&self.fleet.api, payer, &asked, &note).await?;
        println!(
            "{:>6.1} s  {payer:<10} other software: PAS $submit, answered at once {}  {case}",
            self.began.elapsed().as_secs_f64(),
            decided(&answer),
        );
        self.requests.insert(case.clone(), asked);
        self.by_pas.push((payer, case));
        Ok(())
    }

    /// What other software gets when it asks again.
    async fn ask_as_other_software(&self) -> Result<()> {
        for (payer, case) in &self.by_pas {
            let answers = clinic::inquire(&self.fleet.api, payer, &self.requests[case]).await?;
            let own = |answer: &&Answer| answer.id.as_ref().is_some_and(|id| id.value == *case);
            let answer = answers.iter().find(own).context("$inquire finds the case")?;
            println!(
                "{:>6.1} s  {payer:<10} other software: PAS $inquire, answered {} {}  {case}",
                self.began.elapsed().as_secs_f64(),
                decided(answer),
                answer.numbers().join(", "),
            );
        }
        Ok(())
    }

    /// Two portals go down: Larkfield is asked by its interface then, Harbor by files.
    async fn submit_while_portals_are_down(&mut self) -> Result<()> {
        fallback::shut(&self.fleet).await?;
        println!("Larkfield's portal goes down; its FHIR interface works.");
        if let Some((member, number)) = self.number_of("larkfield", "70551") {
            self.submit("larkfield", requests::auth_status(member, &number)).await?;
        }
        if self.fleet.options.files.is_some() {
            fallback::shut_host(&self.fleet, "harbor", "mmis").await?;
            println!("Harbor's portal goes down; its file host works.");
            self.submit("harbor", requests::claim_status("PC05")).await?;
        }
        Ok(())
    }

    /// The number under which the payer now has the submission of a service, with the member's key.
    fn number_of(&self, payer: &str, code: &str) -> Option<(&'static str, String)> {
        let submitted = self.rows.values().find(|row| {
            row.job["payer"] == payer
                && row.job["task"] == "submit"
                && self.requests[&row.case]["lines"][0]["code"] == code
        })?;
        // Some payers give another number with the first answer; job ids grow with time.
        let row = self.rows.values().rfind(|row| row.case == submitted.case)?;
        let member_id = self.requests[&row.case]["member"]["id"].as_str()?;
        let members = ["M01", "M06", "M10", "M12", "M14"].into_iter();
        let member = members.clone().find(|key| requests::member(key).member_id == member_id)?;
        Some((member, first_reference(&row.job)?))
    }

    /// Asks for the status of an authorization by its number, as a clinic does that filed it elsewhere.
    async fn submit_second_wave(&mut self) -> Result<()> {
        let Some((member, number)) = self.number_of("crestline", "70551") else { return Ok(()) };
        self.submit("crestline", requests::auth_status(member, &number)).await
    }

    /// What can be asked once requests are decided: their letters, and a renewal.
    async fn submit_third_wave(&mut self) -> Result<()> {
        for (payer, code) in [("harbor", "K0005"), ("larkfield", "70551"), ("planbridge", "70551")]
        {
            if let Some((member, number)) = self.number_of(payer, code) {
                self.submit(payer, requests::letter(member, &number)).await?;
            }
        }
        if let Some((member, key)) = self.number_of("rxbright", "J1750") {
            let again = requests::prior_auth(member, "J1750", 12, 60, None);
            self.submit("rxbright", requests::renewal(&again, &key)).await?;
        }
        Ok(())
    }

    async fn submit(&mut self, payer: &str, request: Value) -> Result<()> {
        let case =
            self.fleet.api.post("cases", &json!({"payer": payer, "request": request})).await?;
        let id = case["case"].as_str().context("intake names the case")?.to_owned();
        self.requests.insert(id, request);
        Ok(())
    }

    async fn jobs(&self) -> Result<Vec<Value>> {
        let page = self.fleet.api.get("jobs?limit=200").await?;
        Ok(page["items"].as_array().cloned().unwrap_or_default())
    }

    /// Shows every change until `over` says so.
    async fn watch(
        &mut self,
        deadline: Instant,
        over: fn(&Demo, &[Value], &[Value]) -> bool,
    ) -> Result<()> {
        loop {
            let jobs = self.jobs().await?;
            for job in &jobs {
                self.show(job).await?;
            }
            let cases = self.fleet.api.get("cases?limit=200").await?;
            if over(self, &jobs, cases["items"].as_array().map_or(&[], Vec::as_slice)) {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < deadline, "not everything settled in time");
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    fn nothing_under_way(&self, jobs: &[Value], _: &[Value]) -> bool {
        // Status checks that are planned for later do not count: the payers' clocks move first.
        jobs.iter().all(|job| is_final(job) || job["state"] == "waiting" || planned(job))
            && jobs.iter().filter(|job| is_final(job)).count()
                >= self.requests.len().min(jobs.len())
    }

    fn every_case_settled(&self, jobs: &[Value], cases: &[Value]) -> bool {
        jobs.iter().all(|job| is_final(job) || job["state"] == "waiting")
            && cases.iter().all(|case| {
                let status = case["status"].as_str().unwrap_or_default();
                // A payer claim still in process has been answered, and nothing more is asked for it here; a renewal
                // was sent after the payers' clocks had moved, and is under review.
                case["kind"] == "claim_status"
                    || self.renews(case)
                    || matches!(status, "complete" | "failed" | "withdrawn" | "attention")
            })
    }

    /// Whether a case renews an authorization.
    fn renews(&self, case: &Value) -> bool {
        self.requests.get(&text(case, "id")).is_some_and(|request| request["renews"].is_string())
    }

    async fn show(&mut self, job: &Value) -> Result<()> {
        let id = text(job, "id");
        let state = text(job, "state");
        if self.shown.get(&id).is_some_and(|before| before["state"] == job["state"]) {
            return Ok(());
        }
        self.shown.insert(id.clone(), job.clone());
        let answer =
            job["outcome"]["answer"].as_str().map(|a| format!(" → {a}")).unwrap_or_default();
        let number = first_reference(job).map(|n| format!(" {n}")).unwrap_or_default();
        println!(
            "{:>6.1} s  {:<10} {:<13} {:<9} {}{answer}{number}",
            self.began.elapsed().as_secs_f64(),
            text(job, "payer"),
            text(job, "task"),
            state,
            text(job, "case"),
        );
        if is_final(job) {
            let row = self.judge(job).await?;
            self.rows.insert(id, row);
        }
        Ok(())
    }

    async fn judge(&self, job: &Value) -> Result<Row> {
        let id = text(job, "id");
        let case = text(job, "case");
        let full = self.fleet.api.get(&format!("jobs/{id}")).await?;
        let request = &self.requests[&case];
        let said = Said {
            payer: text(&full, "payer"),
            task: text(&full, "task"),
            member_id: text(&request["member"], "id"),
            code: request["lines"][0]["code"].as_str().map(str::to_owned),
            from: request["lines"][0]["from"].as_str().and_then(|day| day.parse().ok()),
            asked: self.asked(&case, request),
            answer: full["outcome"]["answer"].as_str().unwrap_or("none").to_owned(),
            references: references(&full),
        };
        let verdict = judge(&said, &self.fleet.truth(&said.payer)).await?;
        let attempts = self.fleet.api.get(&format!("attempts?job={id}&limit=50")).await?;
        let mut evidence = Vec::new();
        let mut seconds = 0.0;
        for attempt in attempts["items"].as_array().into_iter().flatten() {
            seconds += lasted_s(attempt);
            let listed = self
                .fleet
                .api
                .get(&format!("evidence?attempt={}&limit=200", text(attempt, "id")))
                .await?;
            evidence
                .extend(listed["items"].as_array().into_iter().flatten().map(|e| text(e, "id")));
        }
        let agrees = verdict.agrees && full["state"] == "done" && !evidence.is_empty();
        Ok(Row { job: full, case, agrees, truth: verdict.truth, evidence, seconds })
    }

    /// The number a status task asked about: given in the request, or brought by the case's submission.
    fn asked(&self, case: &str, request: &Value) -> Option<String> {
        request["number"].as_str().map(str::to_owned).or_else(|| {
            self.rows
                .values()
                .find(|row| {
                    row.case == case
                        && ["submit", "renewal"].contains(&text(&row.job, "task").as_str())
                })
                .and_then(|row| first_reference(&row.job))
        })
    }

    fn report(&self, path: &std::path::Path, settled: bool) -> Result<bool> {
        let jobs: Vec<Value> = self
            .rows
            .iter()
            .map(|(id, row)| {
                json!({
                    "id": id, "case": row.case, "payer": row.job["payer"], "task": row.job["task"], "channel": row.job["channel"],
                    "outcome": row.job["outcome"]["answer"], "reference": first_reference(&row.job),
                    "attempts": row.job["attempts"], "seconds": row.seconds, "evidence": row.evidence,
                    "truth": row.truth, "agrees": row.agrees,
                })
            })
            .collect();
        let every_job_ended = self.rows.len() == self.shown.len();
        let agrees =
            settled && every_job_ended && !jobs.is_empty() && self.rows.values().all(|r| r.agrees);
        let report = json!({"agrees": agrees, "jobs": jobs});
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)
            .with_context(|| format!("writing {}", path.display()))?;
        Ok(agrees)
    }

    fn print_table(&self) {
        println!(
            "\n{:<31} {:<10} {:<13} {:<9} {:<19} {:<21} {:>8} {:>8} {:>8}  record",
            "case",
            "payer",
            "job",
            "channel",
            "outcome",
            "reference",
            "attempts",
            "seconds",
            "evidence"
        );
        for row in self.rows.values() {
            println!(
                "{:<31} {:<10} {:<13} {:<9} {:<19} {:<21} {:>8} {:>8.1} {:>8}  {} {}",
                row.case,
                text(&row.job, "payer"),
                text(&row.job, "task"),
                text(&row.job, "channel"),
                row.job["outcome"]["answer"].as_str().unwrap_or("–"),
                first_reference(&row.job).unwrap_or_else(|| "–".into()),
                row.job["attempts"],
                row.seconds,
                row.evidence.len(),
                if row.agrees { "agrees" } else { "DIFFERS:" },
                if row.agrees { "" } else { &row.truth },
            );
        }
        for (_, job) in self.shown.iter().filter(|(id, _)| !self.rows.contains_key(*id)) {
            println!(
                "{:<31} {:<10} {:<13} {}: a person is asked, or it was not over in time",
                text(job, "case"),
                text(job, "payer"),
                text(job, "task"),
                text(job, "state"),
            );
        }
        let agreed = self.rows.values().filter(|r| r.agrees).count();
        println!("{agreed} of {} jobs settled as the payers' records say.", self.shown.len());
    }

    async fn say_where(&self) -> Result<()> {
        let file = self.fleet.options.root.join("data/first-sign-in.txt");
        let sign_in =
            std::fs::read_to_string(&file).unwrap_or_else(|_| format!("see {}", file.display()));
        println!("\nConsole:  {}\nSign-in:\n{}", self.fleet.api.base(), sign_in.trim());
        Ok(())
    }
}

/// What an answer of PAS decides, by the review actions of its items.
fn decided(answer: &Answer) -> String {
    let reviews = answer.lines.iter().filter_map(|line| line.review.as_ref());
    reviews.map(|review| review.action.code().to_owned()).collect::<Vec<_>>().join(", ")
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// Whether a ready job is planned for later.
fn planned(job: &Value) -> bool {
    let at = job["ready_at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
    job["state"] == "ready" && at.is_some_and(|at| at > real_now())
}

fn lasted_s(attempt: &Value) -> f64 {
    let at =
        |field: &str| attempt[field].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
    match (at("started_at"), at("ended_at")) {
        (Some(from), Some(to)) => to.duration_since(from).as_secs_f64(),
        _ => 0.0,
    }
}

fn is_final(job: &Value) -> bool {
    matches!(job["state"].as_str(), Some("done" | "failed" | "cancelled"))
}

fn references(job: &Value) -> Vec<String> {
    job["outcome"]["references"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|r| text(r, "value"))
        .collect()
}

/// The number a payer is asked by later; the transaction's own number comes last.
fn first_reference(job: &Value) -> Option<String> {
    let all = job["outcome"]["references"].as_array()?;
    let of = |kind: &&str| all.iter().find(|r| r["kind"] == **kind);
    let known = ["tracking", "authorization", "claim", "pend"].iter().find_map(of);
    known.or_else(|| all.first()).map(|r| text(r, "value"))
}
