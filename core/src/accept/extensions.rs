use std::{any::Any, fmt, slice, sync::Arc};

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
pub struct Extensions(Values);

type Value = Arc<dyn Any + Send + Sync>;

#[derive(Clone)]
enum Values {
    /// Most messages with extensions have one.
    One(Value),
    Several(Option<Arc<Vec<Value>>>),
}

impl Extensions {
    /// Returns the value of a type.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.all().iter().find_map(|value| value.downcast_ref())
    }

    /// Sets the value of a type.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.remove::<T>();
        let value: Value = Arc::new(value);
        self.0 = match self.all() {
            [] => Values::One(value),
            others => Values::several(others.iter().map(Arc::clone).chain([value])),
        };
    }

    /// Removes the value of a type.
    pub fn remove<T: Send + Sync + 'static>(&mut self) {
        if self.get::<T>().is_some() {
            let left = self.all().iter().filter(|value| !value.is::<T>());
            self.0 = Values::several(left.map(Arc::clone));
        }
    }

    /// Returns the number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all().len()
    }

    /// Returns whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    fn all(&self) -> &[Value] {
        match &self.0 {
            Values::One(value) => slice::from_ref(value),
            Values::Several(values) => values.as_deref().map_or(&[], Vec::as_slice),
        }
    }
}

impl Values {
    fn several(values: impl Iterator<Item = Value>) -> Self {
        Self::Several(Some(Arc::new(values.collect())))
    }
}

impl Default for Values {
    fn default() -> Self {
        Self::Several(None)
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
