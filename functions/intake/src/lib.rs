//! HR webhooks: verify, reduce, store, answer.
