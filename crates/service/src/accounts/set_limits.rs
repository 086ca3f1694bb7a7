//! Setting what one account may take.

use clipsy_domain::user::{Allowance, User, UserId, Viewer};

use crate::Service;
use crate::accounts::note_action::note_action;
use crate::accounts::require_admin;
use crate::error::{Error, FieldErrors, Result};

/// Sets the limits of an account; where omitted, the server's apply.
pub async fn set_limits(
    service: &Service,
    viewer: Viewer,
    id: UserId,
    limits: Allowance,
) -> Result<User> {
    require_admin(viewer)?;
    let named = [
        ("bytes", limits.bytes),
        ("minutesADay", limits.minutes_a_day),
        ("uploads", limits.uploads),
        ("waiting", limits.waiting),
    ];
    let problem = "Ensure this value is greater than or equal to 0.";
    let wrong = named
        .iter()
        .filter(|(_, limit)| limit.is_some_and(|limit| limit < 0));
    let wrong: FieldErrors = wrong
        .map(|(name, _)| ((*name).to_owned(), vec![problem.to_owned()]))
        .collect();
    if !wrong.is_empty() {
        return Err(Error::Fields(wrong));
    }
    if !service.db.set_allowance(id, limits).await? {
        return Err(Error::NotFound);
    }
    tracing::info!(
        account = id,
        user_id = viewer.user_id(),
        ?limits,
        "limits set"
    );
    let user = service.db.user(id).await?.ok_or(Error::NotFound)?;
    let told = named.map(|(name, limit)| limit.map(|limit| format!("{name} {limit}")));
    let told: Vec<String> = told.into_iter().flatten().collect();
    note_action(
        service,
        viewer,
        "set_limits",
        &user.username,
        &told.join(", "),
    )
    .await;
    Ok(user)
}
