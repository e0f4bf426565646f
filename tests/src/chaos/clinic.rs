//! The clinic's side of a run: requests are asked for, again until they are answered, three times at once, for another day, and once more
//! when the fleet has lost them.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use rand::Rng as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    bed::{Bed, Ground, MEMBERS, PATIENCE},
    key_of,
};
use crate::fleet::{api::until, requests};

impl Bed {
    fn request(&mut self) -> Value {
        self.asked += 1;
        let days = 1 + i64::from(self.asked % 250);
        if self.ground == Ground::Chromium {
            return requests::prior_auth("M01", "70551", 1, days, self.note.as_ref());
        }
        let code = format!("7{:04}", self.asked % 10_000);
        let mut request = requests::prior_auth("M01", &code, 1, days, None);
        // A member of its own: what one member has asked for is compared at each permit, and these fleets live for thousands.
        request["member"]["id"] = json!(format!("{}{:06}", self.mark(), self.asked));
        request
    }

    /// What the numbers of this clinic's members begin with: those of a fleet beside this one begin otherwise. At a real portal there
    /// are its own members.
    pub(super) fn mark(&self) -> String {
        match self.ground {
            Ground::Chromium => String::new(),
            _ => format!("{MEMBERS}{:08X}", self.number),
        }
    }

    /// Takes in so many requests, as a clinic's system does: the same call again, with its key, until it is answered.
    ///
    /// # Errors
    /// A call is refused, or never answered.
    pub async fn take_in(&mut self, count: u32) -> Result<Vec<String>> {
        let mut jobs = Vec::new();
        for _ in 0..count {
            let request = self.request();
            jobs.push(self.accept(&request).await?);
        }
        Ok(jobs)
    }

    async fn accept(&mut self, request: &Value) -> Result<String> {
        let once = format!("chaos-{:016x}-{}", self.chance.random::<u64>(), self.asked);
        let body = json!({"payer": "crestline", "request": request});
        let case = until(PATIENCE, "a request is taken in", || async {
            match self.fleet.api.try_call(Method::POST, "cases", Some(&body), Some(&once)).await {
                Ok((200..=299, case)) => Ok(Some(case)),
                // Being restarted, or too busy: the clinic asks again.
                Ok((429 | 500..=599, _)) | Err(_) => Ok(None),
                Ok((status, why)) => bail!("intake answered {status}: {why}"),
            }
        })
        .await?;
        let job = case["job"].as_str().context("intake names the job")?.to_owned();
        self.accepted.insert(job.clone(), key_of_request(request));
        self.requests.insert(job.clone(), request.clone());
        Ok(job)
    }

    /// Takes in again what the fleet does not know any more, as a clinic does that finds its requests gone; how many.
    ///
    /// # Errors
    /// A call is refused, or never answered.
    pub async fn take_in_what_is_gone(&mut self) -> Result<usize> {
        let known: BTreeSet<String> = self
            .all("jobs?task=submit")
            .await?
            .iter()
            .filter_map(|job| job["id"].as_str().map(str::to_owned))
            .collect();
        let gone: Vec<String> =
            self.accepted.keys().filter(|job| !known.contains(*job)).cloned().collect();
        for job in &gone {
            let Some(request) = self.requests.remove(job) else { continue };
            self.accepted.remove(job);
            self.accept(&request).await?;
        }
        Ok(gone.len())
    }

    /// The same request three times at the same moment: one call doubled under its key, and one call more under another.
    ///
    /// # Errors
    /// None was taken in, or more than one job was made of it.
    pub async fn take_in_thrice(&mut self) -> Result<()> {
        let request = self.request();
        let [once, other] = [(); 2].map(|()| format!("twin-{:016x}", self.chance.random::<u64>()));
        let body = json!({"payer": "crestline", "request": request});
        let call = |key| self.fleet.api.try_call(Method::POST, "cases", Some(&body), Some(key));
        let (one, two, three) = tokio::join!(call(&once), call(&once), call(&other));
        let taken = [one, two, three].into_iter().flatten().filter(|(status, _)| *status < 300);
        let jobs: BTreeSet<String> =
            taken.filter_map(|(_, case)| case["job"].as_str().map(str::to_owned)).collect();
        if jobs.len() != 1 {
            bail!("one request, asked for three times, made these jobs: {jobs:?}");
        }
        for job in jobs {
            self.accepted.insert(job.clone(), key_of_request(&request));
            self.requests.insert(job, request.clone());
        }
        Ok(())
    }

    /// The request that was asked for last, for the next day: somebody's good right, and a job of its own.
    ///
    /// # Errors
    /// It is not taken in.
    pub async fn take_in_for_another_day(&mut self) -> Result<()> {
        let mut first = self.request();
        self.accept(&first).await?;
        let days = 300 + i64::from(self.asked % 50);
        let other = requests::prior_auth("M01", "70551", 1, days, None);
        first["lines"][0]["from"] = other["lines"][0]["from"].clone();
        first["lines"][0]["to"] = other["lines"][0]["to"].clone();
        match self.accept(&first).await {
            Ok(job) => self.rightful.push(job),
            Err(refused) => self.broken("I-1", format!("another day is refused: {refused}")),
        }
        Ok(())
    }

    /// Whether every request that was somebody's good right was sent.
    ///
    /// # Errors
    /// The coordinator cannot be asked.
    pub async fn no_rightful_one_is_stopped(&mut self) -> Result<()> {
        for job in std::mem::take(&mut self.rightful) {
            let known = self.fleet.api.get(&format!("jobs/{job}")).await?;
            if known["state"] != "done" {
                self.broken("I-1", format!("{job} asks for another day and was stopped"));
            }
        }
        Ok(())
    }
}

/// The key of a request, from the same fields that the payer will see.
fn key_of_request(request: &Value) -> String {
    let line = &request["lines"][0];
    key_of(&json!({
        "memberId": request["member"]["id"],
        "requestingNpi": request["requesting"]["npi"],
        "lines": [{"code": line["code"], "units": line["units"], "from": line["from"]}],
    }))
}
