//! What the service is made of besides its parts: the state folder, the first account, the queue,
//! what this machine can do, the signals that stop the service.

pub(crate) mod database;
pub(crate) mod dispatch;
pub(crate) mod does;
pub(crate) mod first_account;
pub(crate) mod limits;
pub(crate) mod media;
pub(crate) mod signals;
pub(crate) mod state;
