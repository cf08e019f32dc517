//! Types that can stand in a configuration file.

use std::time::Duration;

use toml::de::DeValue;

use super::{ByteSize, Spanned, units, value::Value};

/// A type that can stand in a configuration file.
pub(crate) trait FromValue: Sized {
    /// Reads it, or reports why it cannot be read.
    fn from_value(value: &Value<'_>) -> Option<Self>;
}

impl FromValue for bool {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        value.boolean()
    }
}

impl FromValue for String {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        value.text().map(Spanned::into_inner)
    }
}

impl FromValue for Spanned<String> {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        value.text()
    }
}

impl FromValue for Duration {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        if let DeValue::Integer(number) = value.node.get_ref() {
            let help = format!("write its unit: \"{0}s\" or \"{0}ms\"", number.as_str());
            return value.fail_with("expected a duration, found an integer", help);
        }
        value.parse(units::duration)
    }
}

impl FromValue for ByteSize {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        if let DeValue::Integer(number) = value.node.get_ref() {
            let help = format!("write its unit: \"{0}B\" or \"{0}KiB\"", number.as_str());
            return value.fail_with("expected a size, found an integer", help);
        }
        value.parse(units::byte_size)
    }
}

/// An array; elements that cannot be read are reported and left out.
impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        Some(
            value
                .items()?
                .filter_map(|item| T::from_value(&item))
                .collect(),
        )
    }
}

/// Defines an enumeration of words: how each is written, and which are not built yet.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }
        $(not_yet { $($later:literal => $help:expr,)+ })?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $vis enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
            /// The word in the file.
            $vis const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::config::types::FromValue for $name {
            fn from_value(value: &$crate::config::value::Value<'_>) -> Option<Self> {
                value.word(&[$(($word, Self::$variant)),+], &[$($(($later, $help)),+)?])
            }
        }

        impl $crate::config::print::ToToml for $name {
            fn to_toml(&self) -> String {
                $crate::config::print::quoted(self.as_str())
            }
        }
    };
}
pub(crate) use words;
