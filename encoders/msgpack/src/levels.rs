//! A serializer that limits the nesting of arrays and maps.
//!
//! [`rmp_serde`] writes any depth, and [`shape`](crate::shape) would refuse it when decoding.
//! Checking the written bytes instead would take as long as writing them.

use std::fmt::Display;

use serde::{
    Serialize, Serializer,
    ser::{
        Error, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};

use crate::MAX_DEPTH;

/// Wraps a serializer, or the one it returns for an array, a map or a struct, and refuses values
/// with too many levels.
pub(crate) struct Levels<S> {
    inner: S,
    /// How many more levels are allowed.
    left: usize,
}

/// A nested value, which is serialized through [`Levels`] too.
struct Watched<T> {
    value: T,
    left: usize,
}

impl<S> Levels<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner, left: MAX_DEPTH }
    }

    fn watch<T>(&self, value: T) -> Watched<T> {
        Watched { value, left: self.left }
    }
}

/// Returns how many levels are left after entering some.
fn enter<E: Error>(left: usize, levels: usize) -> Result<usize, E> {
    left.checked_sub(levels)
        .ok_or_else(|| E::custom(format_args!("it is nested deeper than {MAX_DEPTH} levels")))
}

impl<T: Serialize> Serialize for Watched<T> {
    #[inline]
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Levels { inner, left: self.left })
    }
}

macro_rules! as_it_is {
    ($($method:ident($($argument:ident: $Type:ty),*);)*) => {
        $(#[inline]
        fn $method(self, $($argument: $Type),*) -> Result<S::Ok, S::Error> {
            self.inner.$method($($argument),*)
        })*
    };
}

macro_rules! compounds {
    ($($method:ident($($argument:ident: $Type:ty),*) -> $Made:ident, $levels:literal;)*) => {
        $(#[inline]
        fn $method(self, $($argument: $Type),*) -> Result<Self::$Made, S::Error> {
            let left = enter(self.left, $levels)?;
            let inner = self.inner.$method($($argument),*)?;
            Ok(Levels { inner, left })
        })*
    };
}

impl<S: Serializer> Serializer for Levels<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Levels<S::SerializeSeq>;
    type SerializeTuple = Levels<S::SerializeTuple>;
    type SerializeTupleStruct = Levels<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Levels<S::SerializeTupleVariant>;
    type SerializeMap = Levels<S::SerializeMap>;
    type SerializeStruct = Levels<S::SerializeStruct>;
    type SerializeStructVariant = Levels<S::SerializeStructVariant>;

    as_it_is! {
        serialize_bool(value: bool);
        serialize_i8(value: i8);
        serialize_i16(value: i16);
        serialize_i32(value: i32);
        serialize_i64(value: i64);
        serialize_i128(value: i128);
        serialize_u8(value: u8);
        serialize_u16(value: u16);
        serialize_u32(value: u32);
        serialize_u64(value: u64);
        serialize_u128(value: u128);
        serialize_f32(value: f32);
        serialize_f64(value: f64);
        serialize_char(value: char);
        serialize_str(value: &str);
        serialize_bytes(value: &[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(name: &'static str);
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str);
    }

    // A variant with fields is an array or a map within a map of one entry.
    compounds! {
        serialize_seq(len: Option<usize>) -> SerializeSeq, 1;
        serialize_tuple(len: usize) -> SerializeTuple, 1;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct, 1;
        serialize_tuple_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> SerializeTupleVariant, 2;
        serialize_map(len: Option<usize>) -> SerializeMap, 1;
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct, 1;
        serialize_struct_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> SerializeStructVariant, 2;
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let value = self.watch(value);
        self.inner.serialize_some(&value)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = self.watch(value);
        self.inner.serialize_newtype_struct(name, &value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = Watched { value, left: enter(self.left, 1)? };
        self.inner.serialize_newtype_variant(name, index, variant, &value)
    }

    /// Overridden to use the serializer's own loop, which is faster.
    #[inline]
    fn collect_seq<I>(self, values: I) -> Result<S::Ok, S::Error>
    where
        I: IntoIterator<Item: Serialize>,
    {
        let left = enter(self.left, 1)?;
        self.inner.collect_seq(values.into_iter().map(|value| Watched { value, left }))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! elements {
    ($($Trait:ident::$method:ident;)*) => {
        $(impl<S: $Trait> $Trait for Levels<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
                let value = self.watch(value);
                self.inner.$method(&value)
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        })*
    };
}

elements! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

macro_rules! fields {
    ($($Trait:ident;)*) => {
        $(impl<S: $Trait> $Trait for Levels<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), S::Error> {
                let value = self.watch(value);
                self.inner.serialize_field(key, &value)
            }

            fn skip_field(&mut self, key: &'static str) -> Result<(), S::Error> {
                self.inner.skip_field(key)
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        })*
    };
}

fields! {
    SerializeStruct;
    SerializeStructVariant;
}

impl<S: SerializeMap> SerializeMap for Levels<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        let key = self.watch(key);
        self.inner.serialize_key(&key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        let value = self.watch(value);
        self.inner.serialize_value(&value)
    }

    #[inline]
    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), S::Error> {
        let (key, value) = (self.watch(key), self.watch(value));
        self.inner.serialize_entry(&key, &value)
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.inner.end()
    }
}
