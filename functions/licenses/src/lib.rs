//! The licenses of one person.
