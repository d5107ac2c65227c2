//! Values that serialise as the text that they print.

/// Implements `Serialize` by `Display`.
macro_rules! serialize_as_text {
    ($($value:ty)+) => { $(
        impl serde::Serialize for $value {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )+ };
}

pub(crate) use serialize_as_text;
