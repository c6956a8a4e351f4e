//! A day in the life of a company.
