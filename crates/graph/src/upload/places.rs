//! Places for uploads that are received: some in all, and a share of them for each account and each
//! address, so that nobody gets them all.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::request::Parts;
use clipsy_domain::shares::Share;
use clipsy_domain::user::UserId;
use clipsy_http::Client;
use clipsy_http::caller::client::sharer;
use tokio::sync::OwnedSemaphorePermit;

use super::error::UploadError;
use crate::app::App;
use crate::error::{Error, Result};

/// A place, given back when dropped.
#[must_use = "the place is given back when it is dropped"]
#[derive(Debug)]
pub(crate) struct Place {
    _account: Share<UserId>,
    _address: Option<Share<IpAddr>>,
    _permit: OwnedSemaphorePermit,
}

/// Whose share an upload counts for besides its account's: the address of a request, if that has one.
pub(crate) fn sender(app: &App, parts: &Parts) -> Option<IpAddr> {
    let trusted = &app.settings.trusted_proxies;
    sharer(Client::of(parts).address, trusted)
}

/// A place for an upload of that account from there, if there is one.
pub(crate) fn take(app: &App, account: UserId, sender: Option<IpAddr>) -> Result<Place> {
    let crowded = |limit| Error::from(UploadError::Crowded { limit });
    let place = Arc::clone(&app.uploads).try_acquire_owned();
    let place = place.map_err(|_| Error::Busy)?;
    let shares = &app.account_uploads;
    let account = shares.take(account);
    let account = account.ok_or_else(|| crowded(shares.most()))?;
    let shares = &app.address_uploads;
    let address = sender
        .map(|address| shares.take(address).ok_or_else(|| crowded(shares.most())))
        .transpose()?;
    Ok(Place {
        _account: account,
        _address: address,
        _permit: place,
    })
}
