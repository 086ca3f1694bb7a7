//! The rights of a long-lived stream, and their end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use clipsy_domain::clock::Timestamp;
use clipsy_domain::user::{Role, UserId, Viewer};
use tokio_util::sync::CancellationToken;

use crate::Service;
use crate::accounts::session::{SignedIn, session_user, viewer};
use crate::error::{Error, Result};

/// The right by which a request runs, for resolvers of subscriptions, too. Clones are the same
/// right. The transport ends a stream when its right ends; a resolver need not.
#[derive(Debug, Clone)]
pub struct Right {
    /// Who asks.
    pub viewer: Viewer,
    /// When the token expires; never for anonymous callers.
    pub expires_at: Option<Timestamp>,
    session: Option<Arc<Session>>,
}

/// Why a right has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The token has expired; a fresh one of the same session opens the stream again.
    Expired,
    /// The session is over, or the rights of its account have changed.
    Session,
}

impl Ended {
    /// In words.
    pub fn message(self) -> &'static str {
        match self {
            Self::Expired => "Token expired",
            Self::Session => "Session ended",
        }
    }
}

impl Right {
    /// The right of a short request, whose session is not watched.
    pub fn brief(signed_in: Option<&SignedIn>) -> Self {
        Self {
            viewer: viewer(signed_in),
            expires_at: signed_in.map(|signed_in| signed_in.expires_at),
            session: None,
        }
    }

    /// The right of a stream: it ends when its session does.
    pub async fn watched(service: &Service, signed_in: Option<&SignedIn>) -> Result<Self> {
        let mut right = Self::brief(signed_in);
        if let Some(signed_in) = signed_in {
            right.session = Some(service.accounts.rights.watch(signed_in));
            // It may have ended after it was asked about and before it was watched.
            let user = session_user(service, &signed_in.session_id).await?;
            if user.is_none_or(|user| user.role != signed_in.user.role) {
                return Err(Error::AccessToken);
            }
        }
        Ok(right)
    }

    /// Why the right is over, if it is.
    pub fn over(&self, now: Timestamp) -> Option<Ended> {
        let session = self.session.as_ref();
        if session.is_some_and(|session| session.ended.is_cancelled()) {
            Some(Ended::Session)
        } else if self.expires_at.is_some_and(|end| end <= now) {
            Some(Ended::Expired)
        } else {
            None
        }
    }

    /// Waits until the session ends; forever for anonymous callers. For expired tokens see
    /// [`Right::over`].
    pub fn session_ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let session = self.session.clone();
        async move {
            match session {
                Some(session) => session.ended.cancelled().await,
                None => std::future::pending().await,
            }
        }
    }
}

/// The sessions behind open streams.
#[derive(Debug, Clone, Default)]
pub struct Rights(Arc<Mutex<HashMap<Arc<str>, Weak<Session>>>>);

/// A session with open streams. It is dropped with the last of them.
#[derive(Debug)]
struct Session {
    id: Arc<str>,
    user: UserId,
    role: Role,
    ended: CancellationToken,
    rights: Rights,
}

impl Rights {
    /// Ends the streams of a session that is over. Everything that ends sessions calls it, so that
    /// streams end at once; [`Rights::recheck`] finds what other processes did.
    pub fn end_session(&self, id: &str) {
        // The lock has to be given back first: the last to let go of a session takes it again.
        let held = self.all().remove(id);
        if let Some(session) = held.and_then(|held| held.upgrade()) {
            session.ended.cancel();
        }
    }

    /// Ends all streams of an account: it was deactivated, or has a new password or role.
    pub fn end_user(&self, user: UserId) {
        for session in self.sessions() {
            if session.user == user {
                self.end_session(&session.id);
            }
        }
    }

    /// Checks in the database which sessions of open streams are still valid, and ends the others.
    pub async fn recheck(&self, service: &Service) -> Result<()> {
        let sessions = self.sessions();
        if sessions.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = sessions.iter().map(|s| s.id.to_string()).collect();
        let alive: HashMap<String, Role> =
            service.db.sessions_alive(&ids).await?.into_iter().collect();
        for session in sessions {
            if alive.get(&*session.id) != Some(&session.role) {
                session.ended.cancel();
            }
        }
        Ok(())
    }

    fn watch(&self, signed_in: &SignedIn) -> Arc<Session> {
        let role = signed_in.user.role;
        // Nothing is let go of inside: the last to let go of a session takes the lock again.
        let (session, before) = {
            let mut all = self.all();
            let held = all.get(signed_in.session_id.as_str());
            match held.and_then(Weak::upgrade) {
                Some(session) if session.role == role && !session.ended.is_cancelled() => {
                    (session, None)
                }
                before => {
                    let session = Arc::new(Session {
                        id: signed_in.session_id.as_str().into(),
                        user: signed_in.user.id,
                        role,
                        ended: CancellationToken::new(),
                        rights: self.clone(),
                    });
                    all.insert(Arc::clone(&session.id), Arc::downgrade(&session));
                    (session, before)
                }
            }
        };
        // The same session with another role: what it may do has changed.
        if let Some(before) = before {
            before.ended.cancel();
        }
        session
    }

    fn sessions(&self) -> Vec<Arc<Session>> {
        self.all().values().filter_map(Weak::upgrade).collect()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Arc<str>, Weak<Session>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut all = self.rights.all();
        // Another one may have come in its place.
        if all
            .get(&self.id)
            .is_some_and(|held| held.strong_count() == 0)
        {
            all.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clipsy_domain::clock::from_millis;
    use clipsy_domain::user::User;

    fn signed_in(session: &str, user: UserId, role: Role) -> SignedIn {
        SignedIn {
            user: User {
                id: user,
                username: "ann".into(),
                email: String::new(),
                role,
                active: true,
                default_password: false,
                created_at: from_millis(0),
            },
            session_id: session.into(),
            expires_at: from_millis(1_000),
        }
    }

    fn right(rights: &Rights, session: &str, user: UserId, role: Role) -> Right {
        let signed_in = signed_in(session, user, role);
        Right {
            session: Some(rights.watch(&signed_in)),
            ..Right::brief(Some(&signed_in))
        }
    }

    #[test]
    fn rights_end_with_session_account_role_and_token() {
        let rights = Rights::default();
        let now = from_millis(999);
        let a = right(&rights, "a", 1, Role::User);
        let same = right(&rights, "a", 1, Role::User);
        let b = right(&rights, "b", 1, Role::User);
        let c = right(&rights, "c", 2, Role::User);
        rights.end_session("a");
        for right in [&a, &same] {
            assert_eq!(right.over(now), Some(Ended::Session));
        }
        assert_eq!(b.over(now), None);
        rights.end_user(1);
        assert_eq!(b.over(now), Some(Ended::Session));
        assert_eq!(c.over(now), None);
        assert_eq!(c.over(from_millis(1_000)), Some(Ended::Expired));
        let promoted = right(&rights, "c", 2, Role::Admin);
        assert_eq!(c.over(now), Some(Ended::Session));
        assert_eq!(promoted.over(now), None);
        assert_eq!(Right::brief(None).over(from_millis(i64::MAX)), None);
    }

    #[test]
    fn streams_come_and_go_while_sessions_end() {
        let rights = Rights::default();
        std::thread::scope(|scope| {
            for n in 0..4 {
                let rights = &rights;
                scope.spawn(move || {
                    for turn in 0..5_000 {
                        let role = if turn % 7 == 0 {
                            Role::Admin
                        } else {
                            Role::User
                        };
                        drop(right(rights, "a", 1, role));
                        if turn % 3 == n % 3 {
                            rights.end_session("a");
                        }
                    }
                });
            }
        });
        assert!(rights.all().is_empty());
    }

    #[test]
    fn sessions_are_forgotten_with_their_last_stream() {
        let rights = Rights::default();
        let first = right(&rights, "a", 1, Role::User);
        let second = first.clone();
        drop(first);
        assert_eq!(rights.sessions().len(), 1);
        rights.end_session("a");
        let again = right(&rights, "a", 1, Role::User);
        drop(second);
        assert_eq!(rights.sessions().len(), 1, "the new one was forgotten");
        drop(again);
        assert!(rights.all().is_empty());
    }
}
