//! FHIR Da Vinci PAS 2.2.1: requests, responses, inquiries and notifications.
