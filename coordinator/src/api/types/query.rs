//! Queries of lists: filters and paging.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// Key paging of lists.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Continue after this key (`next` of the page before).
    #[serde(default)]
    pub after: Option<String>,
    /// Most items: 1 to 200, 50 when absent.
    #[serde(default)]
    pub limit: Option<u32>,
    /// `json` or `csv`.
    #[serde(default)]
    pub format: Option<String>,
}

/// The query of a list: its filters and the paging, all optional. (Not `flatten`: query strings cannot tell numbers there.)
macro_rules! list_query {
    ($(#[$top:meta])* $name:ident { $($(#[$doc:meta])* $field:ident,)* }) => {
        $(#[$top])*
        #[derive(Debug, Clone, Default, Deserialize, IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub struct $name {
            $($(#[$doc])* #[serde(default)] pub $field: Option<String>,)*
            /// Continue after this key (`next` of the page before).
            #[serde(default)]
            pub after: Option<String>,
            /// Most items: 1 to 200, 50 when absent.
            #[serde(default)]
            pub limit: Option<u32>,
            /// `json` or `csv`.
            #[serde(default)]
            pub format: Option<String>,
        }

        impl $name {
            /// Its paging.
            #[must_use]
            pub fn paging(&self) -> Paging {
                Paging { after: self.after.clone(), limit: self.limit, format: self.format.clone() }
            }
        }
    };
}

list_query! {
    /// Which cases.
    CaseQuery {
        /// `received`, `working`, `attention`, `complete`, `failed`, `withdrawn`.
        status,
        /// Payer id.
        payer,
        /// `prior_auth`, `auth_status`, `claim_status`, `eligibility`, `precheck`, `letter`.
        kind,
    }
}

list_query! {
    /// Which jobs.
    JobQuery {
        /// `ready`, `leased`, `resting`, `waiting`, `in_doubt`, `done`, `failed`, `cancelled`.
        state,
        /// Payer id.
        payer,
        /// `submit`, `auth_status`, `claim_status`, `eligibility`, `precheck`, `renewal`, `letter`.
        task,
        /// Case id.
        case,
        /// Agent id.
        agent,
    }
}

list_query! {
    /// Which attempts.
    AttemptQuery {
        /// Job id.
        job,
        /// Case id.
        case,
        /// Agent id.
        agent,
        /// `running`, `paused`, `succeeded`, `failed`, `lost`, `released`.
        state,
    }
}

list_query! {
    /// Which evidence: of an attempt or of a case.
    EvidenceQuery {
        /// Attempt id.
        attempt,
        /// Case id.
        case,
    }
}

list_query! {
    /// Which exceptions.
    ExceptionQuery {
        /// `open`, `claimed`, `seconding`, `resolved`, `withdrawn`.
        state,
        /// Kind, such as `page_changed`.
        kind,
        /// The list it stands on, such as `credentials`.
        queue,
        /// Payer id.
        payer,
        /// Case id.
        case,
        /// Job id.
        job,
    }
}

list_query! {
    /// Which drift items.
    DriftQuery {
        /// `open`, `accepted`, `dismissed`.
        state,
        /// `fallback_used`, `healed`, `suggested`, `form_changed`, `fetched_differs`, `screen_unknown`, `meaning_changed`.
        kind,
        /// Payer id.
        payer,
        /// `<payer>/<task>`.
        script,
        /// Hash of the bundle.
        script_sha256,
    }
}

list_query! {
    /// Which entries.
    AuditQuery {
        /// Id of what it was done to.
        subject,
        /// Who did it.
        actor,
        /// What, such as `payer.paused`.
        act,
    }
}

list_query! {
    /// Which entries of the register of permissions.
    RegisterQuery {
        /// Payer id.
        payer,
    }
}

list_query! {
    /// A list without filters.
    PlainQuery {}
}

/// How a case is shown.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CaseShow {
    /// Show patient data; needs the role operator and is written to the audit.
    #[serde(default)]
    pub reveal: bool,
}

/// A search by what must not stand in an address. Exact matches only.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseSearch {
    /// Member id as typed. Patient data.
    #[serde(default)]
    pub member: Option<String>,
    /// A payer's number as typed.
    #[serde(default)]
    pub reference: Option<String>,
}
