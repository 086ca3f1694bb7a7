//! Where originals, uploads and output are.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Args};
use clipsy_storage::media::{Credentials, S3Options};

use super::environment;
use crate::commands::exit::UsageError;

/// Where originals, uploads and output are.
#[derive(Debug, Args)]
pub(crate) struct MediaArgs {
    /// Folder, or `s3://bucket/prefix`, for originals, uploads and output [default: media in the
    /// state folder]
    #[arg(long, env = "CLIPSY_MEDIA_URL", value_name = "FOLDER|URL")]
    media_url: Option<String>,
    /// Send players to the bucket for segments and originals that are not private, with addresses
    /// that are good for an hour
    #[arg(long, env = "CLIPSY_MEDIA_REDIRECT", default_value_t = false, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", value_name = "true|false")]
    media_redirect: bool,
    /// Address of the S3 service, e.g. `https://s3.example:9000`; with `http://` nothing is encrypted
    /// [default: Amazon's]
    #[arg(long, env = "CLIPSY_S3_ENDPOINT", value_name = "URL")]
    s3_endpoint: Option<String>,
    /// Address under which players reach the S3 service [default: the same]
    #[arg(long, env = "CLIPSY_S3_PUBLIC_ENDPOINT", value_name = "URL")]
    s3_public_endpoint: Option<String>,
    /// Region of the bucket [default: us-east-1]
    #[arg(long, env = "CLIPSY_S3_REGION", value_name = "NAME")]
    s3_region: Option<String>,
    /// Whether the bucket's name is a part of the path and not of the host's name [default: true
    /// with an endpoint of one's own]
    #[arg(long, env = "CLIPSY_S3_PATH_STYLE", action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", value_name = "true|false")]
    s3_path_style: Option<bool>,
    /// Access key of the bucket [default: what Amazon's own programs would use]
    #[arg(long, env = "CLIPSY_S3_ACCESS_KEY", value_name = "NAME")]
    s3_access_key: Option<String>,
    #[arg(
        long,
        env = "CLIPSY_S3_SECRET_KEY_FILE",
        value_name = "FILE",
        help = "File with the secret of that key; CLIPSY_S3_SECRET_KEY may hold the secret itself"
    )]
    s3_secret_key_file: Option<PathBuf>,
}

/// What the settings come to.
#[derive(Debug)]
pub(crate) enum MediaPlace {
    /// A folder; `None` for the one in the state folder.
    Folder(Option<PathBuf>),
    /// A bucket.
    S3(Box<S3Options>),
}

impl MediaArgs {
    /// Where media are. Uploads of `largest_upload` bytes have to be possible.
    pub(crate) fn place(&self, largest_upload: u64) -> Result<MediaPlace, UsageError> {
        let Some(url) = &self.media_url else {
            return Ok(MediaPlace::Folder(None));
        };
        if let Some(place) = url.strip_prefix("s3://") {
            let options = self.s3(place, largest_upload)?;
            return Ok(MediaPlace::S3(Box::new(options)));
        }
        let folder = url.strip_prefix("file://").unwrap_or(url);
        if folder.is_empty() || folder.contains("://") {
            return Err(UsageError(format!(
                "--media-url: {url:?} is neither a folder nor s3://bucket/prefix"
            )));
        }
        Ok(MediaPlace::Folder(Some(Path::new(folder).to_owned())))
    }

    fn s3(&self, place: &str, largest_upload: u64) -> Result<S3Options, UsageError> {
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        Ok(S3Options {
            bucket: bucket.to_owned(),
            prefix: prefix.trim_end_matches('/').to_owned(),
            endpoint: self.s3_endpoint.clone(),
            public_endpoint: self.s3_public_endpoint.clone(),
            region: self.s3_region.clone(),
            path_style: self.s3_path_style,
            credentials: self.credentials()?,
            largest_upload,
            redirect: self.media_redirect,
        })
    }

    fn credentials(&self) -> Result<Option<Credentials>, UsageError> {
        let secret = match &self.s3_secret_key_file {
            Some(file) => Some(super::read("--s3-secret-key-file", file)?.trim().to_owned()),
            None => environment::s3_secret_key(),
        };
        match (self.s3_access_key.clone(), secret) {
            (None, None) => Ok(None),
            (Some(access_key), Some(secret_key)) => Ok(Some(Credentials {
                access_key,
                secret_key,
            })),
            (Some(_), None) => Err(UsageError(
                "--s3-access-key: its secret is missing; set CLIPSY_S3_SECRET_KEY or \
                 --s3-secret-key-file"
                    .into(),
            )),
            (None, Some(_)) => Err(UsageError(
                "there is a secret for a bucket, but not whose; set CLIPSY_S3_ACCESS_KEY".into(),
            )),
        }
    }
}
