//! Nothing: cargo wants a target that is no test. What this crate is for stands in `tests/e2e`.
