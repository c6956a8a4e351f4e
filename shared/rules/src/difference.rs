//! What a change of a rule does to those it selects, before anything is saved.

use crate::rule::{Context, Rule};
use crate::value::Properties;

/// Who enters and who leaves, each in the order in which the users came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference<K> {
    /// Those whom only the new rule selects.
    pub enter: Vec<K>,
    /// Those whom only the old rule selects.
    pub leave: Vec<K>,
    /// How many both select.
    pub stay: usize,
}

/// Compares two rules on the users; no rule selects nobody.
pub fn difference<'u, K, U: Properties + ?Sized + 'u>(
    old: Option<&Rule>,
    new: Option<&Rule>,
    users: impl IntoIterator<Item = (K, &'u U)>,
    context: Context,
) -> Difference<K> {
    let mut difference = Difference { enter: Vec::new(), leave: Vec::new(), stay: 0 };
    for (key, user) in users {
        let selects = |rule: Option<&Rule>| rule.is_some_and(|rule| rule.matches_at(user, context.now));
        match (selects(old), selects(new)) {
            (false, true) => difference.enter.push(key),
            (true, false) => difference.leave.push(key),
            (true, true) => difference.stay += 1,
            (false, false) => {}
        }
    }
    difference
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_rule_names_who_enters_and_who_leaves() {
        let users = [
            serde_json::json!({ "id": "a", "department": "Sales", "city": "Oslo" }),
            serde_json::json!({ "id": "b", "department": "Sales" }),
            serde_json::json!({ "id": "c", "city": "Oslo" }),
        ];
        let keyed = || users.iter().map(|user| (user["id"].as_str().unwrap(), user));
        let old = Rule::new(r#"user.department -eq "Sales""#).unwrap();
        let new = Rule::new(r#"user.city -eq "Oslo""#).unwrap();
        let context = Context { now: jiff::Timestamp::UNIX_EPOCH };
        let found = difference(Some(&old), Some(&new), keyed(), context);
        assert_eq!(found, Difference { enter: vec!["c"], leave: vec!["b"], stay: 1 });
        assert_eq!(difference(None, Some(&new), keyed(), context).enter, ["a", "c"]);
    }
}
