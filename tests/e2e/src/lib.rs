//! Handlers and emulator together.
