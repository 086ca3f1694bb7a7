//! Where the bucket is, and whether it can be used.

use std::fmt;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectStore as _, ObjectStoreExt as _,
    PutMode, PutOptions, PutPayload, RetryConfig,
};
use uuid::Uuid;

use super::raw::Raw;
use super::{Bucket, S3Store};
use crate::media::key::check_key;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest wait for the next bytes.
const READ: Duration = Duration::from_secs(30);
/// How long a request is tried again. Callers that can wait longer try again themselves.
const RETRY: Duration = Duration::from_secs(15);
/// Region where none is said. Most stores but the one of Amazon do not look at it.
const REGION: &str = "us-east-1";
/// Least size in bytes of a part but the last (S3, "Multipart upload limits").
const LEAST_PART: u64 = 5 << 20;
/// Parts that an object has at most. S3 takes 10,000.
const MOST_PARTS: u64 = 9_000;

/// Content types by extension, for players that read from the bucket itself.
const TYPES: [(&str, &str); 8] = [
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("ts", "video/mp2t"),
    ("vtt", "text/vtt"),
    ("jpg", "image/jpeg"),
    ("mp4", "video/mp4"),
    ("mov", "video/quicktime"),
    ("webm", "video/webm"),
    ("mkv", "video/x-matroska"),
];

/// A bucket, or the part of one below a prefix.
#[derive(Debug, Clone, Default)]
pub struct S3Options {
    /// Name of the bucket.
    pub bucket: String,
    /// What all keys begin with, without slashes at its ends; may be empty.
    pub prefix: String,
    /// Address of the service, e.g. `https://s3.example:9000`; `None` for Amazon's.
    pub endpoint: Option<String>,
    /// Address under which clients reach the service, if it is another one.
    pub public_endpoint: Option<String>,
    /// Region; `None` for what the environment says, or `us-east-1`.
    pub region: Option<String>,
    /// True for `endpoint/bucket/key`, false for `bucket.endpoint/key`. `None`: the first with an
    /// endpoint of one's own, else the second.
    pub path_style: Option<bool>,
    /// The key to the bucket; `None` for what the environment or the machine's role give.
    pub credentials: Option<Credentials>,
    /// Largest upload in bytes that has to be possible.
    pub largest_upload: u64,
    /// True if clients may be sent to the bucket.
    pub redirect: bool,
}

/// The key to a bucket.
#[derive(Clone)]
pub struct Credentials {
    /// Which key.
    pub access_key: String,
    /// The secret of that key.
    pub secret_key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}

/// Why a bucket cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The settings cannot be right.
    #[error("{0}")]
    Settings(String),
    /// A try to write, read and delete failed.
    #[error("the bucket {bucket:?} at {endpoint} cannot be used: {step}: {source}")]
    Unusable {
        /// Name of the bucket.
        bucket: String,
        /// Address of the service.
        endpoint: String,
        /// What was tried.
        step: &'static str,
        /// What the client said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl S3Store {
    /// Opens the bucket, after having written, read and deleted a small object there.
    pub async fn connect(options: &S3Options) -> Result<Self, ConnectError> {
        let mut bucket = options.open()?;
        bucket.conditional = prove(options, &bucket).await?;
        if !bucket.conditional {
            tracing::warn!(
                bucket = options.bucket,
                "the store knows no conditional writes: two servers that take up the same upload \
                 at the same moment are told apart by a look before each write only"
            );
        }
        Ok(Self::new(bucket))
    }
}

impl S3Options {
    /// The bucket without a look at it.
    fn open(&self) -> Result<Bucket, ConnectError> {
        if self.bucket.is_empty() || self.bucket.contains('/') {
            let text = format!("{:?} is no name of a bucket", self.bucket);
            return Err(ConnectError::Settings(text));
        }
        if !self.prefix.is_empty() && check_key(&self.prefix).is_err() {
            let text = format!(
                "the prefix {:?} may hold letters, digits, '.', '_', '-' and '/' only",
                self.prefix
            );
            return Err(ConnectError::Settings(text));
        }
        let s3 = self.client(self.endpoint.as_deref())?;
        let public = match &self.public_endpoint {
            Some(endpoint) => self.client(Some(endpoint))?,
            None => s3.clone(),
        };
        let part_bytes = (self.largest_upload.div_ceil(MOST_PARTS))
            .next_multiple_of(1 << 20)
            .max(LEAST_PART);
        let raw = Raw::new(s3.clone(), &client_options(self.endpoint.as_deref()))
            .map_err(|error| ConnectError::Settings(error.to_string()))?;
        Ok(Bucket {
            s3,
            raw,
            public: self.redirect.then_some(public),
            prefix: self.prefix.clone(),
            part_bytes,
            conditional: true,
        })
    }

    fn client(&self, endpoint: Option<&str>) -> Result<AmazonS3, ConnectError> {
        let builder = match &self.credentials {
            Some(keys) => AmazonS3Builder::new()
                .with_access_key_id(&keys.access_key)
                .with_secret_access_key(&keys.secret_key)
                .with_region(REGION),
            // Variables of Amazon's own programs, a web identity, or the role of the machine.
            None => AmazonS3Builder::from_env(),
        };
        let path_style = self.path_style.unwrap_or(endpoint.is_some());
        let mut builder = builder
            .with_bucket_name(&self.bucket)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_virtual_hosted_style_request(!path_style)
            .with_client_options(client_options(endpoint))
            .with_retry(RetryConfig {
                backoff: BackoffConfig {
                    init_backoff: Duration::from_millis(100),
                    max_backoff: Duration::from_secs(3),
                    base: 2.0,
                },
                max_retries: 6,
                retry_timeout: RETRY,
            });
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(self.address(endpoint, path_style)?);
        }
        let built = builder.build();
        built.map_err(|error| ConnectError::Settings(error.to_string()))
    }

    /// The address of the service, with the bucket's name in it where that is wanted.
    fn address(&self, endpoint: &str, path_style: bool) -> Result<String, ConnectError> {
        let endpoint = endpoint.trim_end_matches('/');
        match endpoint.split_once("://") {
            Some((scheme @ ("http" | "https"), host)) if !host.is_empty() => Ok(if path_style {
                endpoint.to_owned()
            } else {
                format!("{scheme}://{}.{host}", self.bucket)
            }),
            _ => Err(ConnectError::Settings(format!(
                "{endpoint:?} is no address like https://s3.example:9000"
            ))),
        }
    }
}

fn client_options(endpoint: Option<&str>) -> ClientOptions {
    let mut options = ClientOptions::new()
        .with_connect_timeout(CONNECT)
        .with_read_timeout(READ)
        // Large originals take their time.
        .with_timeout_disabled()
        .with_allow_http(endpoint.is_some_and(|endpoint| endpoint.starts_with("http://")));
    for (extension, mime) in TYPES {
        options = options.with_content_type_for_suffix(extension, mime);
    }
    options
}

/// Writes, reads and deletes a small object. Says whether writes can depend on what is there.
async fn prove(options: &S3Options, bucket: &Bucket) -> Result<bool, ConnectError> {
    let unusable = |step: &'static str| {
        move |source: object_store::Error| ConnectError::Unusable {
            bucket: options.bucket.clone(),
            endpoint: options
                .endpoint
                .as_deref()
                .unwrap_or("Amazon S3")
                .to_owned(),
            step,
            source: Box::new(source),
        }
    };
    let path = bucket.path(&format!("=probe-{}", Uuid::new_v4().simple()));
    let payload = || PutPayload::from_static(b"clipsy");
    bucket
        .s3
        .put(&path, payload())
        .await
        .map_err(unusable("writing"))?;
    let conditional = can_depend(bucket, &path).await;
    let range = GetOptions {
        range: Some(GetRange::Bounded(1..3)),
        ..GetOptions::default()
    };
    let read = async { bucket.s3.get_opts(&path, range).await?.bytes().await };
    let read = read.await.map_err(unusable("reading"))?;
    bucket
        .s3
        .delete(&path)
        .await
        .map_err(unusable("deleting"))?;
    if read != b"li"[..] {
        let source = format!("the bytes 1 and 2 of \"clipsy\" were {read:?}");
        return Err(ConnectError::Unusable {
            bucket: options.bucket.clone(),
            endpoint: options
                .endpoint
                .as_deref()
                .unwrap_or("Amazon S3")
                .to_owned(),
            step: "reading a range",
            source: source.into(),
        });
    }
    Ok(conditional)
}

/// True if the service refuses to replace `path`, which is there, under conditions that are not met.
async fn can_depend(bucket: &Bucket, path: &Path) -> bool {
    let wrong = object_store::UpdateVersion {
        e_tag: Some("\"00000000000000000000000000000000\"".into()),
        version: None,
    };
    for mode in [PutMode::Create, PutMode::Update(wrong)] {
        let options = PutOptions::from(mode);
        let payload = PutPayload::from_static(b"clipsy");
        let refused = bucket.s3.put_opts(path, payload, options).await;
        if !matches!(
            refused,
            Err(object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. })
        ) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_the_bucket_where_it_belongs() {
        let options = S3Options {
            bucket: "films".into(),
            ..S3Options::default()
        };
        for (path_style, address) in [
            (true, "http://s3.example:9000"),
            (false, "http://films.s3.example:9000"),
        ] {
            let made = options.address("http://s3.example:9000/", path_style);
            assert_eq!(made.unwrap(), address);
        }
        for wrong in ["s3.example", "ftp://s3.example", "http://"] {
            assert!(options.address(wrong, true).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_largest_upload_fits_into_the_parts() {
        for largest in [0, 1 << 20, 50 << 30, 5 << 40_u64] {
            let options = S3Options {
                bucket: "films".into(),
                largest_upload: largest,
                credentials: Some(Credentials {
                    access_key: "a".into(),
                    secret_key: "s".into(),
                }),
                ..S3Options::default()
            };
            let bucket = options.open().unwrap();
            assert!(bucket.part_bytes >= LEAST_PART);
            assert!(largest.div_ceil(bucket.part_bytes) < 10_000);
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let keys = Credentials {
            access_key: "who".into(),
            secret_key: "hidden".into(),
        };
        let shown = format!("{keys:?}");
        assert!(
            shown.contains("who") && !shown.contains("hidden"),
            "{shown}"
        );
    }
}
