//! Webhooks of the Developer Console about an application: they have a different envelope,
//! with keys in camel case and without a secret.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;

use crate::error::Invalid;
use crate::id::TenantId;
use crate::systems::body::Json;

use super::License;

/// A webhook about an application. **It contains no secret:** you must know by other means
/// that it comes from LiveChat, such as a URL that nobody else knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppWebhook {
    /// The id of the application.
    pub application_id: Option<String>,
    /// The name of the application.
    pub application_name: Option<String>,
    /// The client id that owns its webhooks.
    pub client_id: String,
    /// The time, in RFC 3339 with an offset.
    pub date: Option<String>,
    /// What happened.
    pub event: AppEvent,
    /// The license on which it happened.
    pub license: License,
    /// The id of the user who did it.
    pub user_id: Option<String>,
    payload: Option<Json>,
    body: Bytes,
}

/// What happened to an application.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppEvent {
    /// `application_installed`
    Installed,
    /// `application_uninstalled`
    Uninstalled,
    /// `payment_…`: which one.
    Payment(String),
    /// Anything else.
    Other(String),
}

impl AppEvent {
    fn named(name: String) -> Self {
        match name.as_str() {
            "application_installed" => Self::Installed,
            "application_uninstalled" => Self::Uninstalled,
            _ if name.starts_with("payment_") => Self::Payment(name),
            _ => Self::Other(name),
        }
    }
}

impl fmt::Display for AppEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Installed => "application_installed",
            Self::Uninstalled => "application_uninstalled",
            Self::Payment(name) | Self::Other(name) => name,
        })
    }
}

impl AppWebhook {
    /// Reads a body.
    ///
    /// # Errors
    /// If it is not a JSON object in UTF-8, or lacks client id, event, license or
    /// organization.
    pub fn read(body: &Bytes) -> Result<Self, Invalid> {
        #[derive(Deserialize)]
        struct Members {
            #[serde(rename = "applicationID")]
            application_id: Option<String>,
            #[serde(rename = "applicationName")]
            application_name: Option<String>,
            #[serde(rename = "clientID")]
            client_id: String,
            date: Option<String>,
            event: String,
            #[serde(rename = "licenseID")]
            license_id: u64,
            #[serde(rename = "organizationID")]
            organization_id: TenantId,
            #[serde(rename = "userID")]
            user_id: Option<String>,
            payload: Option<Json>,
        }
        let refused = Invalid {
            field: "body",
            rule: "must be a JSON object with clientID, event, licenseID and organizationID",
        };
        let text = std::str::from_utf8(body).map_err(|_| Invalid { field: "body", rule: "must be UTF-8" })?;
        if !text.trim_start().starts_with('{') {
            return Err(refused);
        }
        let members: Members = serde_json::from_str(text).map_err(|_| refused)?;
        Ok(Self {
            application_id: members.application_id,
            application_name: members.application_name,
            client_id: members.client_id,
            date: members.date,
            event: AppEvent::named(members.event),
            license: License { id: members.license_id, organization: members.organization_id },
            user_id: members.user_id,
            payload: members.payload,
            body: body.clone(),
        })
    }

    /// The payload's JSON text, unchanged.
    #[must_use]
    pub fn payload_json(&self) -> Option<&str> {
        self.payload.as_ref().map(Json::as_str)
    }

    /// The whole body as it was received.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }
}
