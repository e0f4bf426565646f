//! Loading whole bundles.

use domain::script::Bundle;

use crate::support::Good;

#[test]
fn the_example_loads() {
    let bundle = Bundle::load(&Good, "acme-health/prior-auth/submit");
    let bundle = bundle.unwrap_or_else(|findings| {
        panic!("{}", findings.iter().map(|finding| finding.render()).collect::<String>())
    });
    assert_eq!(bundle.script.payer(), "acme-health");
    assert_eq!(bundle.script.flow.nodes.len(), 8);
    assert!(bundle.element("shell.sign_in").is_some());
    assert!(bundle.flow("find_by_member").is_some());
}
