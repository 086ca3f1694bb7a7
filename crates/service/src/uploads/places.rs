//! Places for uploads that are received: some in all, and a share of them for each account and each
//! address, so that nobody gets them all.

use std::net::IpAddr;
use std::sync::Arc;

use clipsy_domain::shares::Share;
use clipsy_domain::user::UserId;
use tokio::sync::OwnedSemaphorePermit;

use super::error::UploadError;
use crate::Service;
use crate::error::{Error, Result};

/// A place, given back when dropped.
#[must_use = "the place is given back when it is dropped"]
#[derive(Debug)]
pub struct ReceivePlace {
    _account: Share<UserId>,
    _address: Option<Share<IpAddr>>,
    _permit: OwnedSemaphorePermit,
}

/// A place for an upload of that account from there, if there is one.
pub fn take(service: &Service, account: UserId, sender: Option<IpAddr>) -> Result<ReceivePlace> {
    let crowded = |limit| Error::from(UploadError::Crowded { limit });
    let place = Arc::clone(&service.uploads.receiving).try_acquire_owned();
    let place = place.map_err(|_| Error::Busy)?;
    let shares = &service.uploads.of_accounts;
    let account = shares.take(account);
    let account = account.ok_or_else(|| crowded(shares.most()))?;
    let shares = &service.uploads.of_addresses;
    let address = sender
        .map(|address| shares.take(address).ok_or_else(|| crowded(shares.most())))
        .transpose()?;
    Ok(ReceivePlace {
        _account: account,
        _address: address,
        _permit: place,
    })
}
