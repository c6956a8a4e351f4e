//! Merges HR facts into the roster and wakes a person's stages.
