//! Queues and roster on SQLite, for one machine.
