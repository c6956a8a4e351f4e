//! The common domain: people, records, policy, lifecycle, planner, steps, messages and ports.
