//! The group memberships of one person.
