//! The ClaimResponse: what was decided, item by item.

use super::{
    base::{Concept, Extension, Identifier, Period, Quantity, Reference},
    element::{element, resource},
};

resource! {
    /// The answer to a request for preauthorization. `outcome` tells how far the processing went; it is *not* the decision.
    ClaimResponse {
        /// Facts of the whole answer (reviewer).
        "extension" => extension: Vec<Extension>,
        /// The payer's identifiers.
        "identifier" => identifier: Vec<Identifier>,
        /// `active`.
        "status" => status: String,
        /// As in the Claim.
        "type" => kind: Concept,
        /// `preauthorization`.
        "use" => purpose: String,
        /// For whom.
        "patient" => patient: Reference,
        /// When it was written.
        "created" => created: String,
        /// Who answers.
        "insurer" => insurer: Reference,
        /// Who asked.
        "requestor" => requestor: Option<Reference>,
        /// The Claim that is answered.
        "request" => request: Option<Reference>,
        /// `queued`, `complete`, `error`, `partial`.
        "outcome" => outcome: String,
        /// In words.
        "disposition" => disposition: Option<String>,
        /// A number for the whole request.
        "preAuthRef" => pre_auth_ref: Option<String>,
        /// How long it is valid.
        "preAuthPeriod" => pre_auth_period: Option<Period>,
        /// Decisions.
        "item" => item: Vec<ResponseItem>,
        /// What was granted instead of what was asked.
        "addItem" => add_item: Vec<AddItem>,
        /// Texts.
        "processNote" => process_note: Vec<ProcessNote>,
        /// What is wanted.
        "communicationRequest" => communication_request: Vec<Reference>,
        /// Why it was not taken in.
        "error" => error: Vec<ResponseError>,
    }
}

element! {
    /// The decision on one item.
    ResponseItem {
        /// Numbers and validity.
        "extension" => extension: Vec<Extension>,
        /// The item of the request.
        "itemSequence" => item_sequence: u32,
        /// Texts about it.
        "noteNumber" => note_number: Vec<u32>,
        /// The decision.
        "adjudication" => adjudication: Vec<Adjudication>,
    }
}

element! {
    /// The place of the review action.
    Adjudication {
        /// The review action.
        "extension" => extension: Vec<Extension>,
        /// `submitted`.
        "category" => category: Concept,
    }
}

element! {
    /// What was granted instead of an item.
    AddItem {
        /// Numbers and validity.
        "extension" => extension: Vec<Extension>,
        /// The items of the request it stands for.
        "itemSequence" => item_sequence: Vec<u32>,
        /// Procedure.
        "productOrService" => product_or_service: Concept,
        /// On a day.
        "servicedDate" => serviced_date: Option<String>,
        /// From a day to a day.
        "servicedPeriod" => serviced_period: Option<Period>,
        /// How many.
        "quantity" => quantity: Option<Quantity>,
        /// The decision.
        "adjudication" => adjudication: Vec<Adjudication>,
    }
}

element! {
    /// A text.
    ProcessNote {
        /// Its number.
        "number" => number: Option<u32>,
        /// `display`, `print`.
        "type" => kind: Option<String>,
        /// In words.
        "text" => text: String,
    }
}

element! {
    /// Why the request was not taken in.
    ResponseError {
        /// What to do, and what it is about.
        "extension" => extension: Vec<Extension>,
        /// The item.
        "itemSequence" => item_sequence: Option<u32>,
        /// List 901.
        "code" => code: Concept,
    }
}
