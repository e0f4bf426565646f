//! Which free slot takes a lease, so that portal sessions are used again and none is left without need.

use domain::channel::Channel;

use crate::channel::portal::SessionOf;

/// The place of the best of the free slots, given by the session each keeps: at a portal one with a session of the account, else an
/// empty one, else any, whose session is then left. A job without a page needs no session, so an empty one is best.
#[must_use]
pub(crate) fn best(
    kept: &[Option<&SessionOf>],
    channel: Channel,
    payer: &str,
    account: &str,
) -> Option<usize> {
    let fits = |of: &Option<&SessionOf>| {
        channel == Channel::Portal
            && of.is_some_and(|of| of.payer == payer && of.account == account)
    };
    let warm = kept.iter().position(fits);
    let empty = || kept.iter().position(Option::is_none);
    warm.or_else(empty).or_else(|| (!kept.is_empty()).then_some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_used_again_and_not_left_for_jobs_without_a_page() {
        let of = |payer: &str| SessionOf { payer: payer.to_owned(), account: "clinic".to_owned() };
        let (larkfield, harbor) = (of("larkfield"), of("harbor"));
        let kept = [Some(&harbor), Some(&larkfield), None];
        let best = |kept: &[Option<&SessionOf>], channel, payer: &str| {
            super::best(kept, channel, payer, "clinic")
        };
        assert_eq!(best(&kept, Channel::Portal, "larkfield"), Some(1), "its own session");
        assert_eq!(best(&kept, Channel::Portal, "crestline"), Some(2), "an empty one");
        // The same payer and account, by another channel: the session is not touched.
        assert_eq!(best(&kept, Channel::FhirPas, "larkfield"), Some(2));
        assert_eq!(best(&kept[..2], Channel::FhirPas, "larkfield"), Some(0), "one must be left");
        assert_eq!(best(&[], Channel::Portal, "larkfield"), None);
    }
}
