use std::{
    any::{Any, TypeId},
    fmt,
    sync::Arc,
};

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
pub struct Extensions(Option<Arc<Vec<Entry>>>);

type Entry = (TypeId, Arc<dyn Any + Send + Sync>);

impl Extensions {
    /// Returns the value of a type.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        let entries = self.0.as_ref()?;
        let (_, value) = entries.iter().find(|(id, _)| *id == TypeId::of::<T>())?;
        value.downcast_ref()
    }

    /// Sets the value of a type.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        let entries = Arc::make_mut(self.0.get_or_insert_default());
        let entry: Entry = (TypeId::of::<T>(), Arc::new(value));
        match entries.iter_mut().find(|(id, _)| *id == entry.0) {
            Some(place) => *place = entry,
            None => entries.push(entry),
        }
    }

    /// Removes the value of a type.
    pub fn remove<T: Send + Sync + 'static>(&mut self) {
        if self.get::<T>().is_some() {
            let entries = Arc::make_mut(self.0.get_or_insert_default());
            entries.retain(|(id, _)| *id != TypeId::of::<T>());
        }
    }

    /// Returns the number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |entries| entries.len())
    }

    /// Returns whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
