//! The part of Microsoft Graph that Joinery uses.
