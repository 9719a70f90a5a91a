use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use conduit::{ServiceName, Subject};

/// Names of what is called, in a bounded number: for labels of metrics, and names of spans.
///
/// A program may send to subjects without end, such as one for each user. Each label is a time series
/// that is kept for ever, so those beyond the bound share one: [`OTHER`](Self::OTHER). Clones share the
/// names.
///
/// ```
/// use conduit_layers::Names;
///
/// let names = Names::of_subjects(["order", "price"]);
/// assert_eq!(&*names.get(&"shop".parse()?, &"order".parse()?), "shop/order");
/// assert_eq!(&*names.get(&"shop".parse()?, &"user.4711".parse()?), Names::OTHER);
///
/// let names = Names::first(1);
/// assert_eq!(&*names.get(&"shop".parse()?, &"user.1".parse()?), "shop/user.1");
/// assert_eq!(&*names.get(&"shop".parse()?, &"user.2".parse()?), Names::OTHER);
/// assert_eq!(&*names.get(&"shop".parse()?, &"user.1".parse()?), "shop/user.1");
/// # Ok::<(), conduit::NameError>(())
/// ```
#[derive(Clone)]
pub struct Names(Arc<Inner>);

struct Inner {
    /// Those that are named; `None` if the first ones are.
    subjects: Option<BTreeSet<String>>,
    most: usize,
    known: RwLock<Known>,
    other: Arc<str>,
}

#[derive(Default)]
struct Known {
    services: HashMap<ServiceName, HashMap<Subject, Arc<str>>>,
    len: usize,
}

impl Names {
    /// The name of all that have none of their own.
    pub const OTHER: &'static str = "_OTHER";
    /// How many services have names with [`of_subjects`](Self::of_subjects).
    pub const MAX_SERVICES: usize = 100;

    /// Names the first subjects that it is asked for, up to a number of them.
    #[must_use]
    pub fn first(most: usize) -> Self {
        Self::new(None, most)
    }

    /// Names these subjects alone, of the first [`MAX_SERVICES`](Self::MAX_SERVICES) services. The
    /// [subject of a contract](conduit::Contract::subject) is one to list.
    pub fn of_subjects<S: Into<String>>(subjects: impl IntoIterator<Item = S>) -> Self {
        Self::new(Some(subjects.into_iter().map(Into::into).collect()), Self::MAX_SERVICES)
    }

    fn new(subjects: Option<BTreeSet<String>>, most: usize) -> Self {
        let (known, other) = (RwLock::default(), Self::OTHER.into());
        Self(Arc::new(Inner { subjects, most, known, other }))
    }

    /// Returns the name of a subject of a service: `service/subject`, or [`OTHER`](Self::OTHER).
    #[must_use]
    pub fn get(&self, service: &ServiceName, subject: &Subject) -> Arc<str> {
        let Inner { subjects, most, known, other } = &*self.0;
        if subjects.as_ref().is_some_and(|subjects| !subjects.contains(subject.as_str())) {
            return Arc::clone(other);
        }
        let find = |known: &Known| known.services.get(service)?.get(subject).map(Arc::clone);
        let full = |known: &Known| match subjects {
            None => known.len >= *most,
            Some(_) => known.services.len() >= *most && !known.services.contains_key(service),
        };
        {
            let known = known.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(name) = find(&known) {
                return name;
            }
            if full(&known) {
                return Arc::clone(other);
            }
        }
        let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = find(&known) {
            return name;
        }
        if full(&known) {
            return Arc::clone(other);
        }
        let name: Arc<str> = format!("{service}/{subject}").into();
        known.len += 1;
        let names = known.services.entry(service.clone()).or_default();
        names.insert(subject.clone(), Arc::clone(&name));
        name
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Names")
            .field("subjects", &self.0.subjects)
            .field("most", &self.0.most)
            .field("len", &known.len)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many names there are for 10,000 subjects, divided among services.
    fn count(names: &Names, services: usize) -> Result<usize, conduit::NameError> {
        let mut all = BTreeSet::new();
        for service in 0..services {
            let service = format!("s{service}").parse()?;
            for subject in 0..10_000 / services {
                all.insert(names.get(&service, &format!("subject.{subject}").parse()?));
            }
        }
        Ok(all.len())
    }

    #[test]
    fn they_are_bounded() -> Result<(), conduit::NameError> {
        assert_eq!(count(&Names::first(100), 3)?, 101);
        assert_eq!(count(&Names::of_subjects(["subject.1", "subject.2"]), 5_000)?, 101);
        assert_eq!(count(&Names::of_subjects(["subject.1", "subject.2"]), 2)?, 5);
        assert_eq!(count(&Names::of_subjects::<&str>([]), 2)?, 1);
        Ok(())
    }
}
