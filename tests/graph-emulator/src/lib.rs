//! A Microsoft 365 tenant in memory, over HTTP.
