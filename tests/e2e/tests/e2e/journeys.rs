//! What happens to people, told from HR's first word to the tenant's last state.

mod lifecycle;
