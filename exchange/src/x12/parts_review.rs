//! The segments of services review, attachments and acknowledgements.

use super::{
    part::segment,
    parts::{Facility, Information, Number, Parts, Procedure, Spot, Text},
    value::Bytes,
};

segment! {
    /// What is asked of a review.
    Um "UM" {
        category: Text [1525 Id 1 2 Must], certification: Text [1322 Id 1 1 May],
        service_type: Text [1365 Id 1 2 May], facility: Facility [0 Comp 0 0 May],
        related: Parts [0 Comp 0 0 May], level: Text [1338 Id 1 3 May], condition: Text [1213 Id 1 1 May],
        prognosis: Text [923 Id 1 1 May], release: Text [363 Id 1 1 May], delay: Text [1514 Id 1 2 May],
    }
}
segment! {
    /// What was decided.
    Hcr "HCR" {
        action: Text [306 Id 1 2 Must ReviewAction], number: Text [127 An 1 50 May],
        reasons: Vec<Text> [1271 An 1 30 May ReviewReason], second_opinion: Text [1073 Id 1 1 May],
    }
}
segment! {
    /// Diagnoses and other health information.
    Hi "HI" {
        info_1: Information [0 Comp 0 0 Must], info_2: Information [0 Comp 0 0 May],
        info_3: Information [0 Comp 0 0 May], info_4: Information [0 Comp 0 0 May],
        info_5: Information [0 Comp 0 0 May], info_6: Information [0 Comp 0 0 May],
        info_7: Information [0 Comp 0 0 May], info_8: Information [0 Comp 0 0 May],
        info_9: Information [0 Comp 0 0 May], info_10: Information [0 Comp 0 0 May],
        info_11: Information [0 Comp 0 0 May], info_12: Information [0 Comp 0 0 May],
    }
}
segment! {
    /// Admission.
    Cl1 "CL1" {
        kind: Text [1315 Id 1 1 May], source: Text [1314 Id 1 1 May], patient_status: Text [1352 Id 1 2 May],
        nursing_home: Text [1345 Id 1 1 May],
    }
}
segment! {
    /// Transport by ambulance.
    Cr1 "CR1" {
        unit: Text [355 Id 2 2 May], weight: Number [81 R 1 10 May], kind: Text [1316 Id 1 1 May],
        reason: Text [1317 Id 1 1 May], distance_unit: Text [355 Id 2 2 May], distance: Number [380 R 1 15 May],
        from: Text [166 An 1 55 May], to: Text [166 An 1 55 May], round_trip: Text [352 An 1 80 May],
        stretcher: Text [352 An 1 80 May],
    }
}
segment! {
    /// Chiropractic care.
    Cr2 "CR2" {
        number: Text [609 N0 1 9 May], count: Number [380 R 1 15 May], from: Text [1367 Id 2 3 May],
        to: Text [1367 Id 2 3 May], unit: Text [355 Id 2 2 May], periods: Number [380 R 1 15 May],
        monthly: Number [380 R 1 15 May], nature: Text [1342 Id 1 1 May], complication: Text [1073 Id 1 1 May],
        text_1: Text [352 An 1 80 May], text_2: Text [352 An 1 80 May], x_rays: Text [1073 Id 1 1 May],
    }
}
segment! {
    /// Oxygen at home.
    Cr5 "CR5" {
        certification: Text [1322 Id 1 1 May], months: Number [380 R 1 15 May], kind_1: Text [1348 Id 1 1 May],
        kind_2: Text [1348 Id 1 1 May], reason: Text [352 An 1 80 May], flow: Number [380 R 1 15 May],
        e07: Number [380 R 1 15 May], e08: Number [380 R 1 15 May], e09: Text [352 An 1 80 May],
        gas: Number [380 R 1 15 May], saturation: Number [380 R 1 15 May], condition: Text [1349 Id 1 1 May],
        finding_1: Text [1350 Id 1 1 May], finding_2: Text [1350 Id 1 1 May], finding_3: Text [1350 Id 1 1 May],
        portable_flow: Number [380 R 1 15 May], delivery: Text [1382 Id 1 1 May], kind_3: Text [1348 Id 1 1 May],
    }
}
segment! {
    /// Care at home.
    Cr6 "CR6" {
        prognosis: Text [923 Id 1 1 Must], started: Text [373 Dt 8 8 Must], format: Text [1250 Id 2 3 May],
        period: Text [1251 An 1 35 May], e05: Text [373 Dt 8 8 May], e06: Text [1073 Id 1 1 May],
        e07: Text [1073 Id 1 1 May], certification: Text [1322 Id 1 1 May], e09: Text [373 Dt 8 8 May],
        e10: Text [235 Id 2 2 May], e11: Text [1137 An 1 15 May], e12: Text [373 Dt 8 8 May],
        e13: Text [373 Dt 8 8 May], e14: Text [373 Dt 8 8 May], e15: Text [1250 Id 2 3 May],
        e16: Text [1251 An 1 35 May], e17: Text [1384 Id 1 1 May], e18: Text [373 Dt 8 8 May],
        e19: Text [373 Dt 8 8 May], e20: Text [373 Dt 8 8 May], e21: Text [373 Dt 8 8 May],
    }
}
segment! {
    /// Conditions of the patient.
    Crc "CRC" {
        category: Text [1136 Id 2 2 Must], applies: Text [1073 Id 1 1 Must], condition_1: Text [1321 Id 2 3 Must],
        condition_2: Text [1321 Id 2 3 May], condition_3: Text [1321 Id 2 3 May],
        condition_4: Text [1321 Id 2 3 May], condition_5: Text [1321 Id 2 3 May],
    }
}
segment! {
    /// A document: sent, or wanted.
    Pwk "PWK" {
        kind: Text [755 Id 2 2 Must], by: Text [756 Id 1 2 May], copies: Text [757 N0 1 2 May],
        entity: Text [98 Id 2 3 May], control_list: Text [66 Id 1 2 May], control: Text [67 An 2 80 May],
        text: Text [352 An 1 80 May], actions: Parts [0 Comp 0 0 May], category: Text [1525 Id 1 2 May],
    }
}
segment! {
    /// A professional service.
    Sv1 "SV1" {
        procedure: Procedure [0 Comp 0 0 Must], amount: Number [782 R 1 18 May], unit: Text [355 Id 2 2 May],
        quantity: Number [380 R 1 15 May], facility: Text [1331 An 1 2 May], service_type: Text [1365 Id 1 2 May],
        diagnoses: Parts [0 Comp 0 0 May], amount_2: Number [782 R 1 18 May], emergency: Text [1073 Id 1 1 May],
        multiple: Text [1340 Id 1 2 May], screening: Text [1073 Id 1 1 May], planning: Text [1073 Id 1 1 May],
        review: Text [1364 Id 1 2 May], review_value: Text [1341 An 1 2 May], copay: Text [1327 Id 1 1 May],
        shortage: Text [1334 Id 1 1 May], e17: Text [127 An 1 50 May], postal_code: Text [116 Id 3 15 May],
        amount_3: Number [782 R 1 18 May], care_level: Text [1337 Id 1 1 May], agreement: Text [1360 Id 1 1 May],
    }
}
segment! {
    /// An institutional service.
    Sv2 "SV2" {
        revenue: Text [234 An 1 48 May], procedure: Procedure [0 Comp 0 0 May], amount: Number [782 R 1 18 May],
        unit: Text [355 Id 2 2 May], quantity: Number [380 R 1 15 May], rate: Number [1371 R 1 10 May],
        amount_2: Number [782 R 1 18 May], e08: Text [1073 Id 1 1 May], nursing_home: Text [1345 Id 1 1 May],
        care_level: Text [1337 Id 1 1 May],
    }
}
segment! {
    /// A dental service.
    Sv3 "SV3" {
        procedure: Procedure [0 Comp 0 0 Must], amount: Number [782 R 1 18 May], facility: Text [1331 An 1 2 May],
        cavity: Parts [0 Comp 0 0 May], prosthesis: Text [1358 Id 1 1 May], quantity: Number [380 R 1 15 May],
        text: Text [352 An 1 80 May], copay: Text [1327 Id 1 1 May], agreement: Text [1360 Id 1 1 May],
        assignment: Text [1359 Id 1 1 May], diagnoses: Parts [0 Comp 0 0 May],
    }
}
segment! {
    /// A tooth.
    Too "TOO" {
        list: Text [1270 Id 1 3 May], tooth: Text [1271 An 1 30 May], surfaces: Parts [0 Comp 0 0 May],
    }
}
segment! {
    /// What kind of attachment follows.
    Cat "CAT" {
        kind: Text [755 Id 1 3 May], format: Text [756 Id 1 3 May], version: Text [799 An 1 30 May],
        standard: Text [1271 An 1 30 May],
    }
}
segment! {
    /// How attached data is kept from others' eyes.
    Efi "EFI" {
        security: Text [786 Id 2 2 Must], text: Text [933 Free 1 264 May], method: Text [797 An 1 30 May],
        version: Text [799 An 1 30 May], program: Text [802 An 1 30 May], program_version: Text [799 An 1 30 May],
        interchange: Text [801 Id 1 1 May], compression: Text [799 An 1 30 May], drive: Text [789 An 1 4 May],
        name: Text [791 An 1 64 May],
    }
}
segment! {
    /// Attached data with its length in bytes.
    Bin "BIN" { length: Text [784 N0 1 15 Must], data: Bytes [785 Bin 1 16777216 Must] }
}
segment! {
    /// Attached data with how it was made fit for transport and its length in bytes.
    Bds "BDS" {
        filter: Text [1570 Id 3 3 Must], length: Text [784 N0 1 15 Must], data: Bytes [785 Bin 1 16777216 Must],
    }
}
segment! {
    /// A link to data elsewhere.
    Ooi "OOI" {
        attribute: Text [0 An 1 80 May], kind: Text [0 An 1 80 May], id: Text [0 An 1 80 May],
        value: Text [0 An 1 80 May],
    }
}
segment! {
    /// The group an acknowledgement is of.
    Ak1 "AK1" {
        functional: Text [479 Id 2 2 Must], control: Text [28 N0 1 9 Must], version: Text [480 An 1 12 May],
    }
}
segment! {
    /// The set an acknowledgement is of.
    Ak2 "AK2" { set: Text [143 Id 3 3 Must], control: Text [329 An 4 9 Must], guide: Text [1705 An 1 35 May] }
}
segment! {
    /// A segment with faults.
    Ik3 "IK3" {
        id: Text [721 Id 2 3 Must], number: Text [719 N0 1 10 Must], within: Text [447 An 1 4 May],
        fault: Text [620 Id 1 3 May SegmentFault],
    }
}
segment! {
    /// What a fault has to do with.
    Ctx "CTX" {
        about: Vec<Parts> [0 Comp 0 0 Must], id: Text [721 Id 2 3 May], number: Text [719 N0 1 10 May],
        within: Text [447 An 1 4 May], spot: Spot [0 Comp 0 0 May], reference: Parts [0 Comp 0 0 May],
    }
}
segment! {
    /// An element with a fault.
    Ik4 "IK4" {
        spot: Spot [0 Comp 0 0 Must], number: Text [725 N0 1 4 May], fault: Text [621 Id 1 3 Must ElementFault],
        value: Text [724 An 1 99 May],
    }
}
segment! {
    /// The verdict on a set.
    Ik5 "IK5" {
        verdict: Text [717 Id 1 1 Must Verdict], fault_1: Text [618 Id 1 3 May SetFault],
        fault_2: Text [618 Id 1 3 May SetFault], fault_3: Text [618 Id 1 3 May SetFault],
        fault_4: Text [618 Id 1 3 May SetFault], fault_5: Text [618 Id 1 3 May SetFault],
    }
}
segment! {
    /// The verdict on a group.
    Ak9 "AK9" {
        verdict: Text [715 Id 1 1 Must Verdict], stated: Number [97 N0 1 6 Must], received: Number [123 N0 1 6 Must],
        accepted: Number [2 N0 1 6 Must], fault_1: Text [716 Id 1 3 May GroupFault],
        fault_2: Text [716 Id 1 3 May GroupFault], fault_3: Text [716 Id 1 3 May GroupFault],
        fault_4: Text [716 Id 1 3 May GroupFault], fault_5: Text [716 Id 1 3 May GroupFault],
    }
}
segment! {
    /// The receipt for an interchange.
    Ta1 "TA1" {
        control: Text [0 N0 9 9 Must], date: Text [0 Dt 6 6 Must], time: Text [0 Tm 4 4 Must],
        verdict: Text [0 Id 1 1 Must Verdict], note: Text [0 Id 3 3 Must InterchangeNote],
    }
}
