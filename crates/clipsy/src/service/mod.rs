//! What the service is made of besides its parts: the state folder, the first account, the signals
//! that stop it.

pub(crate) mod database;
pub(crate) mod first_account;
pub(crate) mod media;
pub(crate) mod signals;
pub(crate) mod state;
