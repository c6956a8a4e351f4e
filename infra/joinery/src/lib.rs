//! The operator's program, and Joinery on one machine.
