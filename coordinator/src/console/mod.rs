//! The console: server-rendered pages on which staff review what agents did, answer exceptions, and operators run the
//! fleet. Each page file holds a view (what the page knows) and the function that draws it; `load` fills views from the
//! store, `act` takes the forms. Pages are usable without a script.

pub mod act;
pub mod assets;
pub mod attempt;
pub mod audit;
pub mod case;
pub mod drift;
pub mod fleet;
pub mod frame;
pub mod icons;
pub mod inbox;
pub mod load;
pub mod me;
pub mod pages;
pub mod parts;
pub mod scripts;
pub mod session;
pub mod work;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use crate::App;

/// The pages' routes.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(pages::work))
        .route("/cases.csv", get(pages::work_csv))
        .route("/cases/{id}", get(pages::case))
        .route("/attempts/{id}", get(pages::attempt))
        .route("/inbox", get(pages::inbox))
        .route("/inbox/{id}", get(pages::question))
        .route("/fleet", get(pages::fleet))
        .route("/payers/{id}", get(pages::payer))
        .route("/register.csv", get(pages::register_csv))
        .route("/scripts", get(pages::scripts))
        .route("/scripts/{sha256}", get(pages::script))
        .route("/drift", get(pages::drift_list))
        .route("/drift/{id}", get(pages::drift_item))
        .route("/drift/{id}/accept", post(act::drift::accept))
        .route("/drift/{id}/dismiss", post(act::drift::dismiss))
        .route("/scripts/{sha256}/hold", post(act::fleet::hold_script))
        .route("/scripts/{sha256}/unhold", post(act::fleet::unhold_script))
        .route("/audit", get(pages::audit))
        .route("/evidence/{id}", get(pages::evidence))
        .route("/me", get(pages::me))
        .route("/me/password", post(act::me::change_password))
        .route("/keys/{id}/revoke", post(act::me::revoke_key))
        .route("/assets/{name}", get(pages::asset))
        .route("/sign-in", get(act::sign::sign_in_page).post(act::sign::sign_in))
        .route("/sign-out", post(act::sign::sign_out))
        .route("/cases/{id}/jobs", post(act::add_job))
        .route("/cases/{id}/unmask", post(act::unmask))
        .route("/jobs/{id}/cancel", post(act::cancel_job))
        .route("/inbox/{id}/claim", post(act::question::claim))
        .route("/inbox/{id}/release", post(act::question::release))
        .route("/inbox/{id}/resolve", post(act::question::resolve))
        .route("/payers/{id}/pause", post(act::fleet::pause_payer))
        .route("/payers/{id}/resume", post(act::fleet::resume_payer))
        .route("/payers/{id}/second_permission", post(act::fleet::second_permission))
        .route("/quarantine/lift", post(act::fleet::lift_quarantine))
        .route("/payers/{id}/clear_account", post(act::fleet::clear_account))
        .route("/pools/{id}/pause", post(act::fleet::pause_pool))
        .route("/pools/{id}/resume", post(act::fleet::resume_pool))
        .route("/agents/{id}/drain", post(act::fleet::drain))
        .route("/agents/{id}/resume", post(act::fleet::accept_again))
}

/// The class of a tone, for marks that are not chips.
pub(crate) fn tone_class(tone: parts::Tone) -> &'static str {
    tone.class()
}
