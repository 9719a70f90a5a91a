use std::{any::Any, fmt, sync::Arc};

/// Values that layers attach to a message, one of each type.
///
/// What a handler sends through [`Message::service`](crate::Message::service) has those of the
/// message. They do not travel: only headers do. Clones share the values.
///
/// ```
/// use conduit::layer::Extensions;
///
/// #[derive(Debug, PartialEq)]
/// struct User(&'static str);
///
/// let mut extensions = Extensions::default();
/// extensions.insert(User("Ada"));
/// let inherited = extensions.clone();
/// extensions.insert(User("Grace"));
/// assert_eq!(extensions.get(), Some(&User("Grace")));
/// assert_eq!(inherited.get(), Some(&User("Ada")));
/// assert_eq!(extensions.get::<u32>(), None);
/// ```
#[derive(Clone, Default)]
pub struct Extensions(Option<Arc<Values>>);

type Value = Arc<dyn Any + Send + Sync>;

#[derive(Clone)]
struct Values {
    /// Most messages with extensions have one.
    first: Value,
    others: Vec<Value>,
}

impl Extensions {
    /// Returns the value of a type.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.iter().find_map(|value| value.downcast_ref())
    }

    /// Sets the value of a type.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        let value: Value = Arc::new(value);
        let Some(values) = &mut self.0 else {
            self.0 = Some(Arc::new(Values { first: value, others: Vec::new() }));
            return;
        };
        let Values { first, others } = Arc::make_mut(values);
        match std::iter::once(first).chain(&mut *others).find(|value| value.is::<T>()) {
            Some(place) => *place = value,
            None => others.push(value),
        }
    }

    /// Removes the value of a type.
    pub fn remove<T: Send + Sync + 'static>(&mut self) {
        if self.get::<T>().is_some() {
            let mut left = self.iter().filter(|value| !value.is::<T>()).map(Arc::clone);
            let first = left.next();
            let others = left.collect();
            self.0 = first.map(|first| Arc::new(Values { first, others }));
        }
    }

    /// Returns the number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Returns whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn iter(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().flat_map(|values| std::iter::once(&values.first).chain(&values.others))
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extensions").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_removed_is_gone_here_and_stays_in_clones() {
        let mut extensions = Extensions::default();
        extensions.remove::<u8>();
        extensions.insert(1_u8);
        extensions.insert(2_u16);
        let clone = extensions.clone();
        extensions.remove::<u8>();
        assert_eq!((extensions.get::<u8>(), extensions.get()), (None, Some(&2_u16)));
        assert_eq!((clone.get(), clone.len()), (Some(&1_u8), 2));
    }
}
