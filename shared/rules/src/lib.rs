//! Entra's dynamic-membership rule language: parse, check, evaluate.
