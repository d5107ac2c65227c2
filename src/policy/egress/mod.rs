//! Where a request may go: the grammar of endpoint URLs, and the judgement of
//! addresses.

mod address;
mod host;
mod punycode;
mod url;

pub use address::{AddressPolicy, Net, NetError, Refused};
pub use url::{
    EndpointUrl, PortPolicy, SchemePolicy, URL_LENGTH_MAX, UrlError, UrlHost, UrlPolicy, UrlScheme,
};
