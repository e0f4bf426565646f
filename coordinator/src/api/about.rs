//! `/healthz`, `/readyz`, `/metrics`: for those who watch the process. None carries patient data; metrics have no names of people.

use std::{fmt::Write as _, sync::Arc};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use super::error::{Problem, Reply};
use crate::{
    App,
    store::{exceptions, jobs},
};

/// Alive.
#[utoipa::path(get, path = "/healthz", tag = "about", security(()), responses((status = 200, description = "Alive", body = String)))]
pub async fn healthz() -> &'static str {
    "alive\n"
}

/// Ready: the database can be written.
#[utoipa::path(get, path = "/readyz", tag = "about", security(()), responses((status = 200, description = "Ready", body = String), (status = 503, description = "The database cannot be written", body = Problem, content_type = "application/problem+json")))]
pub async fn readyz(State(app): State<Arc<App>>) -> Reply<&'static str> {
    app.store().db.probe().await.map_err(|error| {
        tracing::error!(%error, "not ready");
        Problem::new("unavailable", "the database cannot be written").retry_after(5)
    })?;
    Ok("ready\n")
}

/// Numbers in the Prometheus text format: jobs by payer and state, slots leased and wanted per pool, age of the oldest ready job.
#[utoipa::path(get, path = "/metrics", tag = "about", security(()), responses((status = 200, description = "Numbers", body = String)))]
pub async fn metrics(State(app): State<Arc<App>>) -> Reply<Response> {
    let (store, now) = (app.store(), app.now());
    let mut out = Metrics::default();
    out.head("fleet_jobs", "Jobs by payer and state.");
    for (payer, state, count) in jobs::counts(store).await? {
        out.line("fleet_jobs", &[("payer", &payer), ("state", &state)], count);
    }
    out.head("fleet_pool_slots", "Slots of live agents.");
    let pools = super::fleet::pools(&app).await?;
    for pool in &pools {
        out.line("fleet_pool_slots", &[("pool", &pool.id)], pool.slots.into());
    }
    out.head("fleet_pool_slots_leased", "Slots at work.");
    for pool in &pools {
        out.line("fleet_pool_slots_leased", &[("pool", &pool.id)], pool.slots_leased.into());
    }
    out.head("fleet_pool_slots_wanted", "Slots at work plus ready jobs of the pool's payers.");
    for pool in &pools {
        out.line("fleet_pool_slots_wanted", &[("pool", &pool.id)], pool.slots_wanted.into());
    }
    out.head("fleet_oldest_ready_ms", "Age of the oldest job that may be leased, milliseconds.");
    let oldest = jobs::oldest_ready(store, now).await?;
    out.line("fleet_oldest_ready_ms", &[], oldest.map_or(0, |since| now.since_ms(since).max(0)));
    out.head("fleet_exceptions_unanswered", "Exceptions that wait for a person.");
    out.line("fleet_exceptions_unanswered", &[], exceptions::unanswered(store).await?);
    let kind = (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    Ok(([kind], out.0).into_response())
}

#[derive(Default)]
struct Metrics(String);

impl Metrics {
    fn head(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: i64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(k, v)| {
                let v: String = v.chars().filter(|c| !matches!(c, '"' | '\\' | '\n')).collect();
                format!("{k}=\"{v}\"")
            })
            .collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}
