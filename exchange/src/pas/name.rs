//! The names of the format: profiles, extensions and code systems as addresses.

macro_rules! pas {
    ($name:literal) => {
        concat!("http://hl7.org/fhir/us/davinci-pas/StructureDefinition/", $name)
    };
}

/// The version of the guide these structs follow.
pub const VERSION: &str = "2.2.1";

/// The topic of the one subscription of a sending system.
pub const TOPIC: &str = "http://hl7.org/fhir/us/davinci-pas/SubscriptionTopic/PASSubscriptionTopic";

/// Profiles that resources written here claim.
pub mod profile {
    #![expect(missing_docs, reason = "each is the profile of its name")]
    pub const REQUEST_BUNDLE: &str = pas!("profile-pas-request-bundle");
    pub const RESPONSE_BUNDLE: &str = pas!("profile-pas-response-bundle");
    pub const INQUIRY_BUNDLE: &str = pas!("profile-pas-inquiry-request-bundle");
    pub const INQUIRY_RESPONSE_BUNDLE: &str = pas!("profile-pas-inquiry-response-bundle");
    pub const CLAIM: &str = pas!("profile-claim");
    pub const CLAIM_UPDATE: &str = pas!("profile-claim-update");
    pub const CLAIM_INQUIRY: &str = pas!("profile-claim-inquiry");
    pub const CLAIM_RESPONSE: &str = pas!("profile-claimresponse");
    pub const CLAIM_INQUIRY_RESPONSE: &str = pas!("profile-claiminquiryresponse");
    pub const BENEFICIARY: &str = pas!("profile-beneficiary");
    pub const INSURER: &str = pas!("profile-insurer");
    pub const REQUESTOR: &str = pas!("profile-requestor");
    pub const ORGANIZATION: &str = pas!("profile-organization");
    pub const COVERAGE: &str = pas!("profile-coverage");
    pub const DOCUMENT: &str = pas!("profile-documentreference");
    pub const COMMUNICATION_REQUEST: &str = pas!("profile-communicationrequest");
    pub const TASK: &str = pas!("profile-task");
    pub const SUBSCRIPTION: &str = pas!("profile-subscription");
}

/// Extensions.
pub mod extension {
    #![expect(missing_docs, reason = "each is the extension of its name")]
    pub const LEVEL_OF_SERVICE: &str = pas!("extension-levelOfServiceCode");
    pub const CARE_TEAM_SCOPE: &str = pas!("extension-careTeamClaimScope");
    pub const REQUEST_TYPE: &str = pas!("extension-serviceItemRequestType");
    pub const CERTIFICATION_TYPE: &str = pas!("extension-certificationType");
    pub const ITEM_TRACE: &str = pas!("extension-itemTraceNumber");
    pub const AUTHORIZATION_NUMBER: &str = pas!("extension-authorizationNumber");
    pub const PEND_NUMBER: &str = pas!("extension-administrationReferenceNumber");
    pub const DOCUMENT_INFORMATION: &str = pas!("extension-documentInformation");
    pub const INFO_CHANGED: &str = pas!("extension-infoChanged");
    pub const INFO_CANCELLED: &str = pas!("modifierextension-infoCancelled");
    pub const REVIEW_ACTION: &str = pas!("extension-reviewAction");
    pub const REVIEW_ACTION_CODE: &str = pas!("extension-reviewActionCode");
    pub const PREAUTH_ISSUED: &str = pas!("extension-itemPreAuthIssueDate");
    pub const PREAUTH_PERIOD: &str = pas!("extension-itemPreAuthPeriod");
    pub const ERROR_FOLLOWUP: &str = pas!("extension-errorFollowupAction");
    pub const ERROR_ELEMENT: &str = pas!("extension-errorElement");
    pub const ERROR_PATH: &str = pas!("extension-errorPath");
    pub const REVIEWER: &str = pas!("extension-claimResponseReviewer");
    pub const LINE_NUMBER: &str = pas!("extension-paLineNumber");
    pub const SERVICE_LINE_NUMBER: &str = pas!("extension-serviceLineNumber");
    pub const CONTENT_MODIFIER: &str = pas!("extension-contentModifier");
    pub const FILTER: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-filter-criteria";
    pub const PAYLOAD_CONTENT: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content";
    pub const HEARTBEAT: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-heartbeat-period";
}

/// Code systems and identifier systems.
pub mod system {
    #![expect(missing_docs, reason = "each is the system of its name or list number")]
    pub const NPI: &str = "http://hl7.org/fhir/sid/us-npi";
    pub const IDENTIFIER_TYPE: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
    pub const CLAIM_TYPE: &str = "http://terminology.hl7.org/CodeSystem/claim-type";
    pub const PRIORITY: &str = "http://terminology.hl7.org/CodeSystem/processpriority";
    pub const ADJUDICATION: &str = "http://terminology.hl7.org/CodeSystem/adjudication";
    pub const RELATED: &str = "http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship";
    pub const RELATIONSHIP: &str = "http://terminology.hl7.org/CodeSystem/subscriber-relationship";
    pub const ABSENT: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
    pub const DIAGNOSIS: &str = "http://hl7.org/fhir/sid/icd-10-cm";
    pub const CPT: &str = "http://www.ama-assn.org/go/cpt";
    pub const HCPCS: &str = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets";
    pub const PLACE: &str =
        "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set";
    pub const UNITS: &str = "http://unitsofmeasure.org";
    pub const LOINC: &str = "http://loinc.org";
    pub const PAS: &str = "http://hl7.org/fhir/us/davinci-pas/CodeSystem/PASTempCodes";
    pub const TAXONOMY: &str = "http://nucc.org/provider-taxonomy";
    pub const ENTITY_98: &str = "https://codesystem.x12.org/005010/98";
    pub const REVIEW_ACTION_306: &str = "https://codesystem.x12.org/005010/306";
    pub const REVIEW_REASON_886: &str = "https://codesystem.x12.org/external/886";
    pub const REJECT_901: &str = "https://codesystem.x12.org/005010/901";
    pub const FOLLOWUP_889: &str = "https://codesystem.x12.org/005010/889";
    pub const CERTIFICATION_1322: &str = "https://codesystem.x12.org/005010/1322";
    pub const LEVEL_1338: &str = "https://codesystem.x12.org/005010/1338";
    pub const CATEGORY_1365: &str = "https://codesystem.x12.org/005010/1365";
    pub const REQUEST_TYPE_1525: &str = "https://codesystem.x12.org/005010/1525";
    pub const REPORT_755: &str = "https://codesystem.x12.org/005010/755";
    pub const TRANSMISSION_756: &str = "https://codesystem.x12.org/005010/756";
}
