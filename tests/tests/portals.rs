//! The simulated payers as a client of HTTPS sees them: happy paths, and each fault shown off and on.

#![expect(clippy::unwrap_used, reason = "a test that cannot get on says so by panicking")]

mod portal {
    mod client;
    mod crestline;
    mod crestline_more;
    mod crestline_redesign;
    mod faults;
    mod harbor;
    mod harbor_client;
    mod harbor_faults;
    mod harbor_redesign;
    mod house;
    mod larkfield;
    mod larkfield_client;
    mod larkfield_faults;
    mod mail;
    mod matrix;
    mod paper;
    mod planbridge;
    mod planbridge_client;
    mod planbridge_faults;
    mod planbridge_redesign;
    mod planbridge_signin;
    mod planes;
    mod rxbright;
    mod rxbright_after;
    mod rxbright_client;
    mod rxbright_faults;
    mod skins;
    mod verity;
    mod verity_client;
    mod verity_faults;
    mod verity_redesign;
}
