//! Handlers and emulator together, and the rules the repository keeps about itself.

#[cfg(test)]
mod tidy;
