//! The 900 provider taxonomies of the pick-lists: those of the world's providers and invented neighbours, in order of code.

use std::sync::LazyLock;

use crate::portal::world::world;

/// How many entries the list has.
pub(super) const COUNT: usize = 900;

const GROUPS: [(&str, &str); 12] = [
    ("1010", "Counselling"),
    ("1223", "Dental Specialty"),
    ("1330", "Nutrition Service"),
    ("1521", "Vision Service"),
    ("1710", "Respiratory Service"),
    ("1835", "Pharmacy Specialty"),
    ("2050", "Field Specialist"),
    ("2070", "Physician Specialty"),
    ("2251", "Rehabilitation"),
    ("2513", "Agency"),
    ("2820", "Hospital Unit"),
    ("3320", "Supplier"),
];

const AREAS: [&str; 15] = [
    "General",
    "Adult",
    "Child",
    "Aged Care",
    "Sports",
    "Occupational",
    "Community",
    "Regional",
    "Mobile",
    "Day Unit",
    "Night Unit",
    "Teaching",
    "Research",
    "Rural",
    "Emergency",
];

/// One entry of the list.
#[derive(Debug)]
pub(super) struct Taxonomy {
    /// Ten characters.
    pub(super) code: String,
    /// As the list shows it: code and words.
    pub(super) label: String,
}

static LIST: LazyLock<Vec<Taxonomy>> = LazyLock::new(|| {
    let mut list: Vec<Taxonomy> = world()
        .providers
        .iter()
        .map(|provider| Taxonomy {
            code: provider.taxonomy.clone(),
            label: format!("{} - {}", provider.taxonomy, capitalised(&provider.kind)),
        })
        .collect();
    let mut ordinal = 0;
    while list.len() < COUNT {
        let (stem, group) = GROUPS[ordinal % GROUPS.len()];
        let round = ordinal / GROUPS.len();
        let code = format!("{stem}Z{round:04}X");
        let area = AREAS[round % AREAS.len()];
        let label = format!("{code} - {group}, {area} {}", round / AREAS.len() + 1);
        list.push(Taxonomy { code, label });
        ordinal += 1;
    }
    list.sort_by(|a, b| a.code.cmp(&b.code));
    list
});

/// The list, in order of code.
pub(super) fn list() -> &'static [Taxonomy] {
    &LIST
}

/// Is it a code of the list?
pub(super) fn known(code: &str) -> bool {
    LIST.binary_search_by(|entry| entry.code.as_str().cmp(code)).is_ok()
}

/// The code of what was chosen: a code of the list, or an entry as the list shows it.
pub(super) fn code(typed: &str) -> String {
    let entry = LIST.iter().find(|entry| entry.label == typed);
    entry.map_or(typed, |entry| entry.code.as_str()).to_owned()
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_hundred_different_entries_with_those_of_the_world() {
        assert_eq!(list().len(), COUNT);
        assert!(list().windows(2).all(|pair| pair[0].code < pair[1].code));
        for provider in &world().providers {
            assert!(known(&provider.taxonomy), "{}", provider.taxonomy);
        }
        assert!(!known("0000000000"));
        assert_eq!(code(&list()[7].label), list()[7].code);
        assert_eq!(code("nonsense"), "nonsense");
        assert!(list().iter().all(|entry| entry.label.starts_with(&entry.code)));
    }
}
