//! What only admins may do.

use clipsy_domain::user::Viewer;

use crate::error::{Error, Result};

/// Refuses everybody but admins.
pub fn require_admin(viewer: Viewer) -> Result<()> {
    match viewer {
        Viewer::Anonymous => Err(Error::NotSignedIn),
        viewer if viewer.is_admin() => Ok(()),
        Viewer::User(..) => Err(Error::Forbidden),
    }
}
