//! The forms of the Fleet page, and of a script that is held. Each asks for a reason.

use std::sync::Arc;

use axum::{
    Form,
    extract::{Path, State},
};
use domain::{channel::Channel, id::AgentId};
use serde::Deserialize;

use super::{Reason, back};
use crate::{
    App,
    access::Role,
    console::{
        pages::id,
        session::{Reader, Shown},
    },
    flow,
};

/// `POST /payers/{id}/pause`
pub async fn pause_payer(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(payer): Path<String>,
    Form(form): Form<Reason>,
) -> Shown {
    let asked = form.by(&reader, Role::Operator)?;
    flow::payers::pause(&app.core, &asked, &payer, app.now()).await?;
    back(&format!("/fleet#payer-{payer}"), "paused")
}

/// `POST /payers/{id}/resume`
pub async fn resume_payer(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(payer): Path<String>,
    Form(form): Form<Reason>,
) -> Shown {
    let asked = form.by(&reader, Role::Operator)?;
    flow::payers::resume(&app.core, &asked, &payer, app.now()).await?;
    back(&format!("/fleet#payer-{payer}"), "resumed")
}

/// The form that lets a refused account be tried again.
#[derive(Debug, Deserialize)]
pub struct ClearAccount {
    account: String,
    #[serde(flatten)]
    because: Reason,
}

/// `POST /payers/{id}/clear_account`
pub async fn clear_account(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(payer): Path<String>,
    Form(form): Form<ClearAccount>,
) -> Shown {
    let asked = form.because.by(&reader, Role::Operator)?;
    flow::payers::clear_account(&app.core, &asked, &payer, &form.account, app.now()).await?;
    back(&format!("/fleet#payer-{payer}"), "cleared")
}

/// A second person agrees to a permission for one channel.
#[derive(Deserialize)]
pub struct Second {
    channel: Channel,
    #[serde(flatten)]
    because: Reason,
}

/// `POST /payers/{id}/second_permission`
pub async fn second_permission(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(payer): Path<String>,
    Form(form): Form<Second>,
) -> Shown {
    let asked = form.because.by(&reader, Role::Admin)?;
    let by = (reader.caller.user, reader.caller.name.as_str());
    let of = (payer.as_str(), form.channel);
    flow::payers::second_permission(&app.core, &asked, by, of, app.now()).await?;
    back(&format!("/fleet#payer-{payer}"), "permitted")
}

/// `POST /quarantine/lift`
pub async fn lift_quarantine(
    State(app): State<Arc<App>>,
    reader: Reader,
    Form(form): Form<Reason>,
) -> Shown {
    let asked = form.by(&reader, Role::Admin)?;
    flow::quarantine::lift(&app.core, &asked, app.now()).await?;
    back("/fleet", "lifted")
}

/// `POST /pools/{id}/pause`
pub async fn pause_pool(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(pool): Path<String>,
    Form(form): Form<Reason>,
) -> Shown {
    let asked = form.by(&reader, Role::Operator)?;
    flow::payers::pause_pool(&app.core, &asked, &pool, app.now()).await?;
    back("/fleet", "paused")
}

/// `POST /pools/{id}/resume`
pub async fn resume_pool(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(pool): Path<String>,
    Form(form): Form<Reason>,
) -> Shown {
    let asked = form.by(&reader, Role::Operator)?;
    flow::payers::resume_pool(&app.core, &asked, &pool, app.now()).await?;
    back("/fleet", "resumed")
}

/// `POST /agents/{id}/drain`
pub async fn drain(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(agent): Path<String>,
    Form(form): Form<Reason>,
) -> Shown {
    let asked = form.by(&reader, Role::Operator)?;
    let agent: AgentId = id(&agent, "agent")?;
    flow::agents::drain(&app.core, &asked, agent, true, app.now()).await?;
    back("/fleet", "draining")
}

/// `POST /agents/{id}/resume`
pub async fn accept_again(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(agent): Path<String>,
    Form(form): Form<Reason>,
) -> Shown {
    let asked = form.by(&reader, Role::Operator)?;
    let agent: AgentId = id(&agent, "agent")?;
    flow::agents::drain(&app.core, &asked, agent, false, app.now()).await?;
    back("/fleet", "accepting")
}

/// `POST /scripts/{sha256}/hold`
pub async fn hold_script(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(sha256): Path<String>,
    Form(form): Form<Reason>,
) -> Shown {
    let asked = form.by(&reader, Role::Operator)?;
    let script = flow::publish::hold(&app.core, &asked, &sha256, app.now()).await?;
    back(&format!("/scripts/{}", script.sha256), "held")
}

/// `POST /scripts/{sha256}/unhold`
pub async fn unhold_script(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(sha256): Path<String>,
    Form(form): Form<Reason>,
) -> Shown {
    let asked = form.by(&reader, Role::Reviewer)?;
    let script = flow::publish::unhold(&app.core, &asked, &sha256, app.now()).await?;
    back(&format!("/scripts/{}", script.sha256), "unheld")
}
