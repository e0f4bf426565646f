//! The segments of the transactions read and written here: elements with their dictionary numbers, types and lengths.

use super::{decimal::Decimal, part::segment, value::composite};

/// An amount or quantity, where one came.
pub type Number = Option<Decimal>;
/// Plain text.
pub type Text = String;

composite! {
    /// What a claim's status is: category, code, and whom it is about.
    Status { category in StatusCategory, status in Status, entity, list }
}
composite! {
    /// A procedure or service: what list it is of, the code, its modifiers.
    Procedure { list, code, modifier_1, modifier_2, modifier_3, modifier_4, description, last_code }
}
composite! {
    /// A piece of health information: a diagnosis, or a document that is wanted.
    Information { list, code, date_format, date, amount, quantity, version, last_code, present_on_admission }
}
composite! {
    /// Where care is given: a place of service, or a kind of bill.
    Facility { code, list, frequency }
}
composite! {
    /// A reason with a reference.
    Reason { code in ProviderAdjustment, reference }
}
composite! {
    /// Components without names of their own.
    Parts { a, b, c, d, e, f, g, h }
}
composite! {
    /// Where in a segment a fault is: element, component, repetition.
    Spot { element, component, repetition }
}

segment! {
    /// The begin of a set.
    St "ST" { set: Text [143 Id 3 3 Must], control: Text [329 An 4 9 Must], guide: Text [1705 An 1 35 May] }
}
segment! {
    /// What the message is for.
    Bht "BHT" {
        structure: Text [1005 Id 4 4 Must], purpose: Text [353 Id 2 2 Must], reference: Text [127 An 1 50 May],
        date: Text [373 Dt 8 8 May], time: Text [337 Tm 4 8 May], kind: Text [640 Id 2 2 May],
    }
}
segment! {
    /// What an attachment message is for.
    Bgn "BGN" {
        purpose: Text [353 Id 2 2 Must], reference: Text [127 An 1 50 Must], date: Text [373 Dt 8 8 Must],
        time: Text [337 Tm 4 8 May], zone: Text [623 Id 2 2 May], earlier: Text [127 An 1 50 May],
        kind: Text [640 Id 2 2 May], action: Text [306 Id 1 2 May], security: Text [786 Id 2 2 May],
    }
}
segment! {
    /// A level of a hierarchy.
    Hl "HL" {
        number: Text [628 An 1 12 Must], parent: Text [734 An 1 12 May], level: Text [735 Id 1 2 Must],
        children: Text [736 Id 1 1 May],
    }
}
segment! {
    /// A party by name and number.
    Nm1 "NM1" {
        entity: Text [98 Id 2 3 Must], kind: Text [1065 Id 1 1 Must], last: Text [1035 An 1 60 May],
        first: Text [1036 An 1 35 May], middle: Text [1037 An 1 25 May], prefix: Text [1038 An 1 10 May],
        suffix: Text [1039 An 1 10 May], id_list: Text [66 Id 1 2 May], id: Text [67 An 2 80 May],
        relation: Text [706 Id 2 2 May], other_entity: Text [98 Id 2 3 May], other_name: Text [1035 An 1 60 May],
    }
}
segment! {
    /// A party by name.
    N1 "N1" {
        entity: Text [98 Id 2 3 Must], name: Text [93 An 1 60 May], id_list: Text [66 Id 1 2 May],
        id: Text [67 An 2 80 May], relation: Text [706 Id 2 2 May], other_entity: Text [98 Id 2 3 May],
    }
}
segment! {
    /// Street lines.
    N3 "N3" { line_1: Text [166 An 1 55 Must], line_2: Text [166 An 1 55 May] }
}
segment! {
    /// Town, state, postal code.
    N4 "N4" {
        town: Text [19 An 2 30 May], state: Text [156 Id 2 2 May], postal_code: Text [116 Id 3 15 May],
        country: Text [26 Id 2 3 May], location_list: Text [309 Id 1 2 May], location: Text [310 An 1 30 May],
        subdivision: Text [1715 Id 1 3 May],
    }
}
segment! {
    /// A reference number.
    Ref "REF" {
        list: Text [128 Id 2 3 Must], number: Text [127 An 1 50 May], description: Text [352 An 1 80 May],
        others: Parts [0 Comp 0 0 May],
    }
}
segment! {
    /// How to reach someone.
    Per "PER" {
        role: Text [366 Id 2 2 Must], name: Text [93 An 1 60 May], by_1: Text [365 Id 2 2 May],
        at_1: Text [364 An 1 256 May], by_2: Text [365 Id 2 2 May], at_2: Text [364 An 1 256 May],
        by_3: Text [365 Id 2 2 May], at_3: Text [364 An 1 256 May], inquiry: Text [443 An 1 20 May],
    }
}
segment! {
    /// A number to find question and answer by.
    Trn "TRN" {
        kind: Text [481 Id 1 2 Must], number: Text [127 An 1 50 Must], company: Text [509 An 10 10 May],
        division: Text [127 An 1 50 May],
    }
}
segment! {
    /// Birth and sex.
    Dmg "DMG" {
        format: Text [1250 Id 2 3 May], born: Text [1251 An 1 35 May], sex: Text [1068 Id 1 1 May],
        marital: Text [1067 Id 1 1 May], race: Vec<Parts> [0 Comp 0 0 May], citizen: Text [1066 Id 1 2 May],
        country: Text [26 Id 2 3 May], basis: Text [659 Id 1 2 May], quantity: Number [380 R 1 15 May],
        list: Text [1270 Id 1 3 May], code: Text [1271 An 1 30 May],
    }
}
segment! {
    /// A date, a range or a time with what it is of.
    Dtp "DTP" {
        of: Text [374 Id 3 3 Must], format: Text [1250 Id 2 3 Must], value: Text [1251 An 1 35 Must],
    }
}
segment! {
    /// A date of a remittance.
    Dtm "DTM" {
        of: Text [374 Id 3 3 Must], date: Text [373 Dt 8 8 May], time: Text [337 Tm 4 8 May],
        zone: Text [623 Id 2 2 May], format: Text [1250 Id 2 3 May], value: Text [1251 An 1 35 May],
    }
}
segment! {
    /// Who is insured, and how related.
    Ins "INS" {
        subscriber: Text [1073 Id 1 1 Must], relation: Text [1069 Id 2 2 Must], kind: Text [875 Id 3 3 May],
        reason: Text [1203 Id 2 3 May], benefit: Text [1216 Id 1 1 May], medicare: Parts [0 Comp 0 0 May],
        cobra: Text [1219 Id 1 2 May], employment: Text [584 Id 2 2 May], student: Text [1220 Id 1 1 May],
        handicap: Text [1073 Id 1 1 May], format: Text [1250 Id 2 3 May], died: Text [1251 An 1 35 May],
        confidential: Text [1165 Id 1 1 May], town: Text [19 An 2 30 May], state: Text [156 Id 2 2 May],
        country: Text [26 Id 2 3 May], sequence: Text [1470 N0 1 9 May],
    }
}
segment! {
    /// What a provider does.
    Prv "PRV" {
        role: Text [1221 Id 1 3 Must], list: Text [128 Id 2 3 May], code: Text [127 An 1 50 May],
        state: Text [156 Id 2 2 May], specialty: Parts [0 Comp 0 0 May], organisation: Text [1223 Id 3 3 May],
    }
}
segment! {
    /// A refusal at the door: nothing was evaluated.
    Aaa "AAA" {
        valid: Text [1073 Id 1 1 Must], agency: Text [559 Id 2 2 May], reason: Text [901 Id 2 2 May Refusal],
        follow_up: Text [889 Id 1 1 May FollowUp],
    }
}
segment! {
    /// What is asked of a plan.
    Eq "EQ" {
        service_types: Vec<Text> [1365 Id 1 2 May], procedure: Procedure [0 Comp 0 0 May],
        coverage: Text [1207 Id 3 3 May], insurance: Text [1336 Id 1 3 May], pointers: Parts [0 Comp 0 0 May],
    }
}
segment! {
    /// What a plan gives or wants.
    Eb "EB" {
        what: Text [1390 Id 1 3 Must Benefit], coverage: Text [1207 Id 3 3 May],
        service_types: Vec<Text> [1365 Id 1 2 May], insurance: Text [1336 Id 1 3 May], plan: Text [1204 An 1 50 May],
        period: Text [615 Id 1 2 May Period], amount: Number [782 R 1 18 May], fraction: Number [954 R 1 10 May],
        quantity_list: Text [673 Id 2 2 May], quantity: Number [380 R 1 15 May],
        authorization: Text [1073 Id 1 1 May], in_network: Text [1073 Id 1 1 May],
        procedure: Procedure [0 Comp 0 0 May], pointers: Parts [0 Comp 0 0 May],
    }
}
segment! {
    /// How much, how often, for how long.
    Hsd "HSD" {
        quantity_list: Text [673 Id 2 2 May], quantity: Number [380 R 1 15 May], unit: Text [355 Id 2 2 May],
        frequency: Number [1167 R 1 6 May], period: Text [615 Id 1 2 May], periods: Text [616 N0 1 3 May],
        pattern: Text [678 Id 1 2 May], time: Text [679 Id 1 1 May],
    }
}
segment! {
    /// A message to people.
    Msg "MSG" {
        text: Text [933 Free 1 264 Must], printer: Text [934 Id 2 2 May], number: Text [1470 N0 1 9 May],
    }
}
segment! {
    /// More on a benefit.
    Iii "III" {
        list: Text [1270 Id 1 3 May], code: Text [1271 An 1 30 May], category: Text [1136 Id 2 2 May],
        text: Text [933 Free 1 264 May], quantity: Number [380 R 1 15 May], unit: Parts [0 Comp 0 0 May],
        surface_1: Text [752 Id 2 2 May], surface_2: Text [752 Id 2 2 May], surface_3: Text [752 Id 2 2 May],
    }
}
segment! {
    /// A loop begins.
    Ls "LS" { of: Text [447 An 1 4 Must] }
}
segment! {
    /// A loop ends.
    Le "LE" { of: Text [447 An 1 4 Must] }
}
segment! {
    /// An amount.
    Amt "AMT" {
        of: Text [522 Id 1 3 Must], amount: Number [782 R 1 18 Must], side: Text [478 Id 1 1 May],
    }
}
segment! {
    /// A quantity.
    Qty "QTY" {
        of: Text [673 Id 2 2 Must], quantity: Number [380 R 1 15 May], unit: Parts [0 Comp 0 0 May],
        text: Text [61 An 1 30 May],
    }
}
segment! {
    /// What is said of a claim.
    Stc "STC" {
        status: Status [0 Comp 0 0 Must], date: Text [373 Dt 8 8 May], action: Text [306 Id 1 2 May],
        charged: Number [782 R 1 18 May], paid: Number [782 R 1 18 May], finished: Text [373 Dt 8 8 May],
        method: Text [591 Id 3 3 May], payment_date: Text [373 Dt 8 8 May], payment: Text [429 An 1 16 May],
        status_2: Status [0 Comp 0 0 May], status_3: Status [0 Comp 0 0 May], text: Text [933 Free 1 264 May],
    }
}
segment! {
    /// A line of a claim.
    Svc "SVC" {
        procedure: Procedure [0 Comp 0 0 Must], charged: Number [782 R 1 18 Must], paid: Number [782 R 1 18 May],
        revenue: Text [234 An 1 48 May], units: Number [380 R 1 15 May], submitted: Procedure [0 Comp 0 0 May],
        units_submitted: Number [380 R 1 15 May],
    }
}
segment! {
    /// The payment.
    Bpr "BPR" {
        handling: Text [305 Id 1 2 Must], amount: Number [782 R 1 18 Must], side: Text [478 Id 1 1 Must],
        method: Text [591 Id 3 3 Must], format: Text [812 Id 1 10 May], from_bank_list: Text [506 Id 2 2 May],
        from_bank: Text [507 An 3 12 May], from_account_list: Text [569 Id 1 3 May],
        from_account: Text [508 An 1 35 May], company: Text [509 An 10 10 May], division: Text [510 An 9 9 May],
        to_bank_list: Text [506 Id 2 2 May], to_bank: Text [507 An 3 12 May],
        to_account_list: Text [569 Id 1 3 May], to_account: Text [508 An 1 35 May], date: Text [373 Dt 8 8 May],
        function: Text [1048 Id 1 3 May], bank_list_3: Text [506 Id 2 2 May], bank_3: Text [507 An 3 12 May],
        account_list_3: Text [569 Id 1 3 May], account_3: Text [508 An 1 35 May],
    }
}
segment! {
    /// A currency other than the usual one.
    Cur "CUR" {
        entity: Text [98 Id 2 3 Must], currency: Text [100 Id 3 3 Must], rate: Number [280 R 4 10 May],
    }
}
segment! {
    /// How a remittance is delivered.
    Rdm "RDM" {
        by: Text [756 Id 1 2 Must], name: Text [93 An 1 60 May], at: Text [364 An 1 256 May],
        parts_1: Parts [0 Comp 0 0 May], parts_2: Parts [0 Comp 0 0 May],
    }
}
segment! {
    /// A number that begins a list.
    Lx "LX" { number: Text [554 N0 1 6 Must] }
}
segment! {
    /// Totals of a provider's claims.
    Ts3 "TS3" {
        provider: Text [127 An 1 50 Must], facility: Text [1331 An 1 2 Must], until: Text [373 Dt 8 8 Must],
        claims: Number [380 R 1 15 Must], charged: Number [782 R 1 18 Must], e06: Number [782 R 1 18 May],
        e07: Number [782 R 1 18 May], e08: Number [782 R 1 18 May], e09: Number [782 R 1 18 May],
        e10: Number [782 R 1 18 May], e11: Number [782 R 1 18 May], e12: Number [782 R 1 18 May],
        e13: Number [782 R 1 18 May], e14: Number [782 R 1 18 May], e15: Number [782 R 1 18 May],
        e16: Number [782 R 1 18 May], e17: Number [782 R 1 18 May], e18: Number [782 R 1 18 May],
        e19: Number [782 R 1 18 May], e20: Number [782 R 1 18 May], e21: Number [782 R 1 18 May],
        e22: Number [782 R 1 18 May], e23: Number [380 R 1 15 May], e24: Number [782 R 1 18 May],
    }
}
segment! {
    /// Totals of inpatient groups.
    Ts2 "TS2" {
        e01: Number [782 R 1 18 May], e02: Number [782 R 1 18 May], e03: Number [782 R 1 18 May],
        e04: Number [782 R 1 18 May], e05: Number [782 R 1 18 May], e06: Number [782 R 1 18 May],
        e07: Number [380 R 1 15 May], e08: Number [782 R 1 18 May], e09: Number [782 R 1 18 May],
        e10: Number [380 R 1 15 May], e11: Number [380 R 1 15 May], e12: Number [380 R 1 15 May],
        e13: Number [380 R 1 15 May], e14: Number [380 R 1 15 May], e15: Number [782 R 1 18 May],
        e16: Number [380 R 1 15 May], e17: Number [782 R 1 18 May], e18: Number [782 R 1 18 May],
        e19: Number [782 R 1 18 May],
    }
}
segment! {
    /// A claim's payment.
    Clp "CLP" {
        patient_control: Text [1028 An 1 38 Must], status: Text [1029 Id 1 2 Must ClaimStatus],
        charged: Number [782 R 1 18 Must], paid: Number [782 R 1 18 Must],
        patient_share: Number [782 R 1 18 May], plan: Text [1032 Id 1 2 May],
        payer_control: Text [127 An 1 50 May], facility: Text [1331 An 1 2 May], frequency: Text [1325 Id 1 1 May],
        patient_status: Text [1352 Id 1 2 May], group: Text [1354 Id 1 4 May], weight: Number [380 R 1 15 May],
        share: Number [954 R 1 10 May], released: Text [1073 Id 1 1 May],
    }
}
segment! {
    /// Adjustments of one group: up to six reasons with amounts.
    Cas "CAS" {
        group: Text [1033 Id 1 2 Must AdjustmentGroup], reason_1: Text [1034 Id 1 5 Must AdjustmentReason],
        amount_1: Number [782 R 1 18 Must], quantity_1: Number [380 R 1 15 May],
        reason_2: Text [1034 Id 1 5 May AdjustmentReason], amount_2: Number [782 R 1 18 May], quantity_2: Number [380 R 1 15 May],
        reason_3: Text [1034 Id 1 5 May AdjustmentReason], amount_3: Number [782 R 1 18 May], quantity_3: Number [380 R 1 15 May],
        reason_4: Text [1034 Id 1 5 May AdjustmentReason], amount_4: Number [782 R 1 18 May], quantity_4: Number [380 R 1 15 May],
        reason_5: Text [1034 Id 1 5 May AdjustmentReason], amount_5: Number [782 R 1 18 May], quantity_5: Number [380 R 1 15 May],
        reason_6: Text [1034 Id 1 5 May AdjustmentReason], amount_6: Number [782 R 1 18 May], quantity_6: Number [380 R 1 15 May],
    }
}
segment! {
    /// How an inpatient claim was judged.
    Mia "MIA" {
        days: Number [380 R 1 15 Must], e02: Number [782 R 1 18 May], e03: Number [380 R 1 15 May],
        e04: Number [782 R 1 18 May], remark_1: Text [127 An 1 50 May], e06: Number [782 R 1 18 May],
        e07: Number [782 R 1 18 May], e08: Number [782 R 1 18 May], e09: Number [782 R 1 18 May],
        e10: Number [782 R 1 18 May], e11: Number [782 R 1 18 May], e12: Number [782 R 1 18 May],
        e13: Number [782 R 1 18 May], e14: Number [782 R 1 18 May], e15: Number [380 R 1 15 May],
        e16: Number [782 R 1 18 May], e17: Number [782 R 1 18 May], e18: Number [782 R 1 18 May],
        e19: Number [782 R 1 18 May], remark_2: Text [127 An 1 50 May], remark_3: Text [127 An 1 50 May],
        remark_4: Text [127 An 1 50 May], remark_5: Text [127 An 1 50 May], e24: Number [782 R 1 18 May],
    }
}
segment! {
    /// How an outpatient claim was judged.
    Moa "MOA" {
        rate: Number [954 R 1 10 May], e02: Number [782 R 1 18 May], remark_1: Text [127 An 1 50 May],
        remark_2: Text [127 An 1 50 May], remark_3: Text [127 An 1 50 May], remark_4: Text [127 An 1 50 May],
        remark_5: Text [127 An 1 50 May], e08: Number [782 R 1 18 May], e09: Number [782 R 1 18 May],
    }
}
segment! {
    /// A remark.
    Lq "LQ" { list: Text [1270 Id 1 3 May], code: Text [1271 An 1 30 May] }
}
segment! {
    /// Adjustments of a provider's payment that belong to no claim.
    Plb "PLB" {
        provider: Text [127 An 1 50 Must], until: Text [373 Dt 8 8 Must],
        reason_1: Reason [0 Comp 0 0 Must], amount_1: Number [782 R 1 18 Must],
        reason_2: Reason [0 Comp 0 0 May], amount_2: Number [782 R 1 18 May],
        reason_3: Reason [0 Comp 0 0 May], amount_3: Number [782 R 1 18 May],
        reason_4: Reason [0 Comp 0 0 May], amount_4: Number [782 R 1 18 May],
        reason_5: Reason [0 Comp 0 0 May], amount_5: Number [782 R 1 18 May],
        reason_6: Reason [0 Comp 0 0 May], amount_6: Number [782 R 1 18 May],
    }
}
