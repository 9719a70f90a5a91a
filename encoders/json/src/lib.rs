//! JSON for Conduit, by serde_json.
