//! The tenant that the current task is sending for.

use std::future::Future;

use crate::id::TenantId;

tokio::task_local! {
    static TENANT: TenantId;
}

/// Returns the tenant whose request is being sent when this is called within
/// [`Transport::send`](crate::backend::Transport::send); `None` otherwise.
///
/// A transport or resolver with limited capacity uses this to share its capacity among tenants, so
/// that slow names of one tenant do not delay others. The engine sets it around each call of the
/// transport, and `ReqwestTransport` sets it around each call of its resolver. In a task that the
/// transport spawns it is `None`.
#[must_use]
pub fn current_tenant() -> Option<TenantId> {
    TENANT.try_with(Clone::clone).ok()
}

/// Polls a future so that `current_tenant` returns this tenant within it.
pub(crate) async fn on_behalf_of<F: Future>(tenant: Option<TenantId>, what: F) -> F::Output {
    match tenant {
        Some(tenant) => TENANT.scope(tenant, what).await,
        None => what.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_called_within_knows_the_tenant_and_nothing_else_does() {
        let tenant = || Some(TenantId::new("acme").unwrap());
        assert_eq!(on_behalf_of(tenant(), async { current_tenant() }).await, tenant());
        assert_eq!(on_behalf_of(None, async { current_tenant() }).await, None);
        assert_eq!(current_tenant(), None);
    }
}
