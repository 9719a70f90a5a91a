use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use conduit::{ServiceName, Subject, layer::OutboundCall};
use foldhash::fast::RandomState;

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
    named: RwLock<Known>,
    /// Those of contracts.
    declared: RwLock<Known>,
    other: Arc<str>,
}

/// It is asked for each call, and its hasher, which is quick, has a random seed.
type Map<K, V> = HashMap<K, V, RandomState>;

#[derive(Default)]
struct Known {
    services: Map<ServiceName, Map<Subject, Arc<str>>>,
    len: usize,
}

impl Names {
    /// The name of all that have none of their own.
    pub const OTHER: &'static str = "_OTHER";
    /// How many services have names with [`of_subjects`](Self::of_subjects).
    pub const MAX_SERVICES: usize = 100;
    /// How many subjects of contracts have names, beside the others.
    pub const MAX_CONTRACTS: usize = 1_000;

    /// Names the first subjects that it is asked for, up to a number of them.
    #[must_use]
    pub fn first(most: usize) -> Self {
        Self::new(None, most)
    }

    /// Names these subjects alone, of the first [`MAX_SERVICES`](Self::MAX_SERVICES) services.
    pub fn of_subjects<S: Into<String>>(subjects: impl IntoIterator<Item = S>) -> Self {
        Self::new(Some(subjects.into_iter().map(Into::into).collect()), Self::MAX_SERVICES)
    }

    fn new(subjects: Option<BTreeSet<String>>, most: usize) -> Self {
        let (named, declared, other) = (RwLock::default(), RwLock::default(), Self::OTHER.into());
        Self(Arc::new(Inner { subjects, most, named, declared, other }))
    }

    /// Returns the name of a subject of a service: `service/subject`, or [`OTHER`](Self::OTHER).
    #[must_use]
    pub fn get(&self, service: &ServiceName, subject: &Subject) -> Arc<str> {
        let Inner { subjects, most, named, other, .. } = &*self.0;
        let name = match subjects {
            None => find_or_add(named, service, subject, |known| known.len >= *most),
            Some(subjects) if subjects.contains(subject.as_str()) => {
                find_or_add(named, service, subject, |known| {
                    known.services.len() >= *most && !known.services.contains_key(service)
                })
            }
            Some(_) => None,
        };
        name.unwrap_or_else(|| Arc::clone(other))
    }

    /// Returns the name of what a call is made to. One that is made by a
    /// [`Contract`](conduit::Contract) has a name whatever others there are: the program declares
    /// these subjects, so that there is no end to their number only if there is none to the services
    /// that they are called of. Their bound is [`MAX_CONTRACTS`](Self::MAX_CONTRACTS).
    #[must_use]
    pub fn of_call(&self, call: &OutboundCall) -> Arc<str> {
        let (service, subject) = (call.service(), call.subject());
        let is_full = |known: &Known| known.len >= Self::MAX_CONTRACTS;
        let declared = match call.is_by_contract() {
            true => find_or_add(&self.0.declared, service, subject, is_full),
            false => None,
        };
        declared.unwrap_or_else(|| self.get(service, subject))
    }
}

/// Returns a name; `None` if it is not known, and there is no room for it.
fn find_or_add(
    known: &RwLock<Known>,
    service: &ServiceName,
    subject: &Subject,
    is_full: impl Fn(&Known) -> bool,
) -> Option<Arc<str>> {
    let find = |known: &Known| known.services.get(service)?.get(subject).map(Arc::clone);
    {
        let known = known.read().unwrap_or_else(PoisonError::into_inner);
        let found = find(&known);
        if found.is_some() || is_full(&known) {
            return found;
        }
    }
    let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
    let found = find(&known);
    if found.is_some() || is_full(&known) {
        return found;
    }
    let name: Arc<str> = format!("{service}/{subject}").into();
    known.len += 1;
    let names = known.services.entry(service.clone()).or_default();
    names.insert(subject.clone(), Arc::clone(&name));
    Some(name)
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = |known: &RwLock<Known>| known.read().unwrap_or_else(PoisonError::into_inner).len;
        f.debug_struct("Names")
            .field("subjects", &self.0.subjects)
            .field("most", &self.0.most)
            .field("len", &(len(&self.0.named) + len(&self.0.declared)))
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
