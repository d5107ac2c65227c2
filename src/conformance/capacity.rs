//! A store with limited capacity reports that it is full and does not change. These cases are
//! not in the list of cases, because they need a backend with a limit.

use std::sync::Arc;

use crate::backend::Backend;
use crate::delivery::Published;
use crate::history::Class;

use super::CaseResult;
use super::scene::{Scene, TENANT, at, delivered, draft, same, set, tenant, the_only, work_set};

/// The backend must have a capacity of four deliveries.
pub async fn a_full_store_refuses_and_leaves_nothing_behind(holds_four: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(holds_four);
    scene.store([draft("e1")?.to(&["one", "two"])?, draft("e2")?]).await?;
    let over = draft("over")?.once("k")?.to(&["one", "two"])?;
    let fits = draft("fits")?.to(&["three"])?;
    let answers = scene.offer(&[over.clone(), fits, draft("e1")?], at(0)).await?;
    let published: Vec<_> = answers.iter().map(|answer| answer.published).collect();
    let expected =
        [Published::Full { limit: 4 }, Published::Stored, Published::Existing { same_content: true }];
    same("the answers", published, expected)?;
    same("the event", scene.event(&tenant(TENANT)?, &over.event.id).await?, None)?;
    let claims = scene.claim_at(at(0)).await?;
    let expected = set(["e1>one", "e1>two", "fits>three"]);
    same("work", work_set(&claims), expected)?;
    for claim in &claims.work {
        scene.apply([delivered(claim, at(1))]).await?;
    }
    scene.prune(&[(Class::Delivered, at(9))], 10).await?;
    let answer = the_only(scene.offer(&[over], at(2)).await?)?;
    same("with room again", answer.published, Published::Stored)
}
