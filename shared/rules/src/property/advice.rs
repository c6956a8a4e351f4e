//! What to say of a name that is no property.

use super::table::{DEVICE, EXTENDED, Row, SYNONYMS, UNUSABLE, USER};
use super::{Object, numbered};
use crate::choices::Dialect;

/// Why a name is no property of the object, with the advice to give.
pub(crate) fn advice(object: Object, name: &str, dialect: Dialect) -> Option<String> {
    let parent = match object {
        Object::User => "onPremisesExtensionAttributes.",
        Object::Device => "extensionAttributes.",
    };
    let known = |known: &&str| known.eq_ignore_ascii_case(name);
    if let Some(bare) = name.strip_prefix(parent).filter(|bare| numbered(object, bare).is_some()) {
        return Some(format!("Entra's rules name it without its Graph parent: `{object}.{bare}`"));
    }
    if let Some((directory, graph, _)) = table(object).iter().find(|(_, graph, _)| known(graph)) {
        return Some(format!("`{graph}` is Graph's name; in a rule it is `{object}.{directory}`"));
    }
    if let Some((extended, ..)) = EXTENDED.iter().find(|(extended, ..)| object == Object::User && known(extended)) {
        return Some(format!(
            "Entra does not offer `{extended}` to dynamic membership rules; the extended dialect does"
        ));
    }
    let first = name.split('.').next().unwrap_or_default();
    if let Some((_, advice)) = UNUSABLE.iter().find(|(unusable, _)| unusable.eq_ignore_ascii_case(first)) {
        return Some((*advice).into());
    }
    if let Some((_, meant)) = SYNONYMS.iter().find(|(synonym, _)| object == Object::User && known(synonym)) {
        return Some(format!("did you mean `user.{meant}`?"));
    }
    if begins(name, "extension_") {
        return Some("an extension is written `user.extension_`, its application's id as 32 hexadecimal digits, `_` and its name".into());
    }
    if begins(name, "extensionAttribute") {
        return Some(format!("there are `{object}.extensionAttribute1` to `{object}.extensionAttribute15`"));
    }
    let other = if object == Object::User { Object::Device } else { Object::User };
    nearest(object, name, dialect).or_else(|| {
        let (theirs, ..) = table(other).iter().find(|(theirs, ..)| known(theirs))?;
        Some(format!("`{theirs}` is a property of a {other}, not of a {object}"))
    })
}

/// The properties of an object that have rows of their own.
pub(super) fn table(object: Object) -> &'static [Row] {
    match object {
        Object::User => &USER,
        Object::Device => &DEVICE,
    }
}

pub(super) fn begins(name: &str, stem: &str) -> bool {
    name.get(..stem.len()).is_some_and(|start| start.eq_ignore_ascii_case(stem))
}

/// The property with the fewest letters to change in either of its names, if they are few.
fn nearest(object: Object, name: &str, dialect: Dialect) -> Option<String> {
    const LONGEST: usize = 48;
    if name.chars().count() > LONGEST {
        return None;
    }
    let lower = name.to_lowercase();
    let letters = |known: &str| strsim::osa_distance(&lower, &known.to_lowercase());
    let extended: &[Row] =
        if dialect == Dialect::Extended && object == Object::User { EXTENDED.as_slice() } else { &[] };
    let rows = || table(object).iter().chain(extended);
    let (own, directory) = rows().map(|row| (letters(row.0), row)).min_by_key(|(letters, _)| *letters)?;
    let (other, graph) = rows().map(|row| (letters(row.1), row)).min_by_key(|(letters, _)| *letters)?;
    let few = |letters: usize, known: &str| letters <= known.len().div_ceil(4).min(4);
    if own <= other {
        few(own, directory.0).then(|| format!("did you mean `{object}.{}`?", directory.0))
    } else {
        few(other, graph.1)
            .then(|| format!("did you mean Graph's `{}`? In a rule it is `{object}.{}`", graph.1, graph.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_the_name_that_was_meant() {
        let said = |name| advice(Object::User, name, Dialect::Entra).unwrap_or_default();
        assert_eq!(said("departmnet"), "did you mean `user.department`?");
        assert_eq!(
            said("offceLocation"),
            "did you mean Graph's `officeLocation`? In a rule it is `user.physicalDeliveryOfficeName`"
        );
        assert_eq!(said("shoeSize"), "");
        assert_eq!(said("deviceOSType"), "`deviceOSType` is a property of a device, not of a user");
        assert_eq!(advice(Object::User, "employeTyp", Dialect::Extended).unwrap(), "did you mean `user.employeeType`?");
        assert_eq!(
            advice(Object::Device, "operatingSystem", Dialect::Entra).unwrap(),
            "`operatingSystem` is Graph's name; in a rule it is `device.deviceOSType`"
        );
    }
}
