//! The labels of a call.

use std::sync::Arc;

use conduit::ErrorKind;
use metrics::{Label, SharedString};

/// What a call is, as its labels say it.
#[derive(Clone)]
pub(crate) struct Labels {
    name: Arc<str>,
    /// What is done with a one-way message.
    operation: Option<&'static str>,
}

impl Labels {
    pub(crate) fn request(name: Arc<str>) -> Self {
        Self { name, operation: None }
    }

    pub(crate) fn one_way(name: Arc<str>, operation: &'static str) -> Self {
        Self { name, operation: Some(operation) }
    }

    pub(crate) fn is_request(&self) -> bool {
        self.operation.is_none()
    }

    /// Returns those that are known when it begins.
    pub(crate) fn of_begin(&self) -> Vec<Label> {
        let name = SharedString::from_shared(Arc::clone(&self.name));
        let mut labels = Vec::with_capacity(5);
        match self.operation {
            None => labels.extend([
                Label::from_static_parts("rpc.system.name", "conduit"),
                Label::new("rpc.method", name),
            ]),
            Some(operation) => labels.extend([
                Label::from_static_parts("messaging.system", "conduit"),
                Label::from_static_parts("messaging.operation.name", operation),
                Label::new("messaging.destination.name", name),
            ]),
        }
        labels
    }

    /// Returns those that are known when it has ended, with the kind of error if it has failed.
    pub(crate) fn of_end(&self, failed: Option<ErrorKind>) -> Vec<Label> {
        let mut labels = self.of_begin();
        let kind = failed.map(|kind| SharedString::from(format!("{kind:?}")));
        if self.is_request() {
            let code = kind.clone().unwrap_or(SharedString::const_str("OK"));
            labels.push(Label::new("rpc.status_code", code));
        }
        labels.extend(kind.map(|kind| Label::new("error.type", kind)));
        labels
    }
}
