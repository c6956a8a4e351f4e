//! The Entra account of one person.
