//! How FHIR's JSON becomes structs and goes back: known fields have a name and a type, all others are kept as they came, in
//! their order. Hand-written rather than derived, because a fault must say its place and must not repeat the value.

use serde_json::{Map, Number, Value};

use super::fault::{Code, Fault, Path};

/// Something with a JSON form.
pub trait Element: Sized {
    /// Reads a value.
    ///
    /// # Errors
    /// The first value that has another shape, with its place.
    fn read(value: Value, at: &Path<'_>) -> Result<Self, Fault>;

    /// What stands for an absent field.
    ///
    /// # Errors
    /// The field must be there.
    fn absent(at: &Path<'_>) -> Result<Self, Fault> {
        Err(Fault::error(Code::Missing, at, "this field must be there"))
    }

    /// The JSON form; none where the field is left out.
    fn write(&self) -> Option<Value>;
}

fn shape(at: &Path<'_>, wanted: &'static str) -> Fault {
    Fault::error(Code::Shape, at, wanted)
}

impl Element for String {
    fn read(value: Value, at: &Path<'_>) -> Result<Self, Fault> {
        match value {
            Value::String(text) if text.trim().is_empty() => {
                Err(Fault::error(Code::Value, at, "a text must not be empty; leave the field out"))
            }
            Value::String(text) => Ok(text),
            _ => Err(shape(at, "expected a text")),
        }
    }

    fn write(&self) -> Option<Value> {
        Some(Value::String(self.clone()))
    }
}

impl Element for bool {
    fn read(value: Value, at: &Path<'_>) -> Result<Self, Fault> {
        value.as_bool().ok_or_else(|| shape(at, "expected true or false"))
    }

    fn write(&self) -> Option<Value> {
        Some(Value::Bool(*self))
    }
}

impl Element for u32 {
    fn read(value: Value, at: &Path<'_>) -> Result<Self, Fault> {
        let number = value.as_u64().and_then(|n| Self::try_from(n).ok());
        number.ok_or_else(|| shape(at, "expected a whole number that is not negative"))
    }

    fn write(&self) -> Option<Value> {
        Some(Value::from(*self))
    }
}

impl Element for Number {
    fn read(value: Value, at: &Path<'_>) -> Result<Self, Fault> {
        match value {
            Value::Number(number) => Ok(number),
            _ => Err(shape(at, "expected a number")),
        }
    }

    fn write(&self) -> Option<Value> {
        Some(Value::Number(self.clone()))
    }
}

impl Element for Value {
    fn read(value: Value, _: &Path<'_>) -> Result<Self, Fault> {
        Ok(value)
    }

    fn write(&self) -> Option<Value> {
        Some(self.clone())
    }
}

impl<T: Element> Element for Option<T> {
    fn read(value: Value, at: &Path<'_>) -> Result<Self, Fault> {
        T::read(value, at).map(Some)
    }

    fn absent(_: &Path<'_>) -> Result<Self, Fault> {
        Ok(None)
    }

    fn write(&self) -> Option<Value> {
        self.as_ref().and_then(T::write)
    }
}

impl<T: Element> Element for Box<T> {
    fn read(value: Value, at: &Path<'_>) -> Result<Self, Fault> {
        T::read(value, at).map(Self::new)
    }

    fn write(&self) -> Option<Value> {
        T::write(self)
    }
}

impl<T: Element> Element for Vec<T> {
    fn read(value: Value, at: &Path<'_>) -> Result<Self, Fault> {
        let Value::Array(items) = value else { return Err(shape(at, "expected a list")) };
        if items.is_empty() {
            return Err(Fault::error(
                Code::Value,
                at,
                "a list must not be empty; leave the field out",
            ));
        }
        items.into_iter().enumerate().map(|(i, item)| T::read(item, &at.index(i))).collect()
    }

    fn absent(_: &Path<'_>) -> Result<Self, Fault> {
        Ok(Self::new())
    }

    fn write(&self) -> Option<Value> {
        (!self.is_empty()).then(|| Value::Array(self.iter().filter_map(T::write).collect()))
    }
}

/// The fields of an object.
pub(super) fn fields(value: Value, at: &Path<'_>) -> Result<Map<String, Value>, Fault> {
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(shape(at, "expected an object")),
    }
}

/// Takes one field out.
pub(super) fn take<T: Element>(
    map: &mut Map<String, Value>,
    name: &str,
    at: &Path<'_>,
) -> Result<T, Fault> {
    match map.shift_remove(name) {
        Some(value) => T::read(value, &at.field(name)),
        None => T::absent(&at.field(name)),
    }
}

/// Puts one field in, unless it is left out.
pub(super) fn put<T: Element>(map: &mut Map<String, Value>, name: &str, field: &T) {
    if let Some(value) = field.write() {
        map.insert(name.to_owned(), value);
    }
}

/// A struct of FHIR: each field with its JSON name; what has no name here is kept in `rest`. `Debug` tells the type only.
macro_rules! element {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $key:literal => $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Default)]
        pub struct $name {
            $($(#[$fdoc])* pub $field: $type,)*
            /// Fields without a name here, in the order they came.
            pub rest: serde_json::Map<String, serde_json::Value>,
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(••••)"))
            }
        }

        impl $crate::pas::element::Element for $name {
            fn read(
                value: serde_json::Value,
                at: &$crate::pas::fault::Path<'_>,
            ) -> Result<Self, $crate::pas::fault::Fault> {
                let mut rest = $crate::pas::element::fields(value, at)?;
                Ok(Self {
                    $($field: $crate::pas::element::take(&mut rest, $key, at)?,)*
                    rest,
                })
            }

            fn write(&self) -> Option<serde_json::Value> {
                let mut map = serde_json::Map::new();
                $($crate::pas::element::put(&mut map, $key, &self.$field);)*
                map.extend(self.rest.clone());
                Some(serde_json::Value::Object(map))
            }
        }
    };
}

/// An [`element!`] that is a resource: `resourceType` is its own name, written first.
macro_rules! resource {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $key:literal => $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Default)]
        pub struct $name {
            /// Logical id.
            pub id: Option<String>,
            /// Profiles and the like.
            pub meta: Option<$crate::pas::base::Meta>,
            $($(#[$fdoc])* pub $field: $type,)*
            /// Fields without a name here, in the order they came.
            pub rest: serde_json::Map<String, serde_json::Value>,
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(••••)"))
            }
        }

        impl $name {
            /// The name of this type of resource.
            pub const KIND: &'static str = stringify!($name);

            /// Claims a profile.
            #[must_use]
            pub fn of_profile(mut self, profile: &str) -> Self {
                self.meta = Some($crate::pas::base::Meta::of(profile));
                self
            }
        }

        impl $crate::pas::element::Element for $name {
            fn read(
                value: serde_json::Value,
                at: &$crate::pas::fault::Path<'_>,
            ) -> Result<Self, $crate::pas::fault::Fault> {
                let mut rest = $crate::pas::element::fields(value, at)?;
                let kind: String = $crate::pas::element::take(&mut rest, "resourceType", at)?;
                if kind != Self::KIND {
                    return Err($crate::pas::fault::Fault::error(
                        $crate::pas::fault::Code::Kind,
                        at.field("resourceType"),
                        concat!("expected a resource of type ", stringify!($name)),
                    ));
                }
                Ok(Self {
                    id: $crate::pas::element::take(&mut rest, "id", at)?,
                    meta: $crate::pas::element::take(&mut rest, "meta", at)?,
                    $($field: $crate::pas::element::take(&mut rest, $key, at)?,)*
                    rest,
                })
            }

            fn write(&self) -> Option<serde_json::Value> {
                let mut map = serde_json::Map::new();
                map.insert("resourceType".to_owned(), Self::KIND.into());
                $crate::pas::element::put(&mut map, "id", &self.id);
                $crate::pas::element::put(&mut map, "meta", &self.meta);
                $($crate::pas::element::put(&mut map, $key, &self.$field);)*
                map.extend(self.rest.clone());
                Some(serde_json::Value::Object(map))
            }
        }
    };
}

pub(super) use {element, resource};
