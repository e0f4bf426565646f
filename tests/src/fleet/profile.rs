//! What the fleet is told of the simulated payers: limits, cadence, reconcile rules, origins and the recorded permission.

use serde_json::{Value, json};

use super::Options;

/// The profile of a simulated payer, as `coordinator serve` takes it in.
pub fn payer(id: &str, options: &Options) -> Value {
    let permission = json!({
        "state": if id == "harbor" { "registered" } else { "permitted" },
        "basis": "simulator",
        "decided_by": "demonstration",
        "expires_at": "2099-12-31T00:00:00Z",
        "tasks": ["submit", "auth_status", "claim_status", "eligibility", "precheck", "renewal", "letter"],
    });
    let reconcile = |max_record_delay_ms: i64| {
        json!({
            "absence_is_proof": true,
            "max_record_delay_ms": max_record_delay_ms,
            "first_look_ms": options.rest_unit_ms,
            "look_every_ms": options.rest_unit_ms * 2,
            "looks_max": 4,
        })
    };
    let limits = |sessions_max: u32| json!({"sessions_max": sessions_max, "gap_ms": 0, "pages_per_minute": 600, "logins_per_hour_max": 200});
    match id {
        "harbor" => json!({
            "id": "harbor", "name": "Harbor State Medicaid", "time_zone": "America/New_York",
            "permission": permission, "limits": limits(1), "reconcile": reconcile(options.record_delay_ms),
            "status_every_ms": options.status_every_ms, "second_login": "refused",
            "secrets": ["user", "password"], "login_origins": ["https://mmis.harbor.test"],
        }),
        _ => json!({
            "id": "crestline", "name": "Crestline Connect", "time_zone": "America/Chicago",
            "permission": permission, "limits": limits(options.sessions_max),
            "reconcile": reconcile(options.record_delay_ms),
            "status_every_ms": options.status_every_ms, "second_login": "both_live",
            "secrets": ["user", "password", "code"], "login_origins": ["https://hub.crestline.test"],
        }),
    }
}
