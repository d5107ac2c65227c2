//! Where a request may be sent: the grammar of endpoint URLs, and the check of addresses.

mod address;
mod host;
mod punycode;
mod url;

pub use address::{AddressPolicy, ForbiddenAddress, Net};
pub use url::{
    EndpointUrl, PortPolicy, SchemePolicy, URL_LENGTH_MAX, UrlError, UrlHost, UrlPolicy, UrlScheme,
};
