//! The requests of S3 that the client library does not know.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};
use http::{Method, Request};
use object_store::ClientOptions;
use object_store::aws::AmazonS3;
use object_store::client::{HttpClient, HttpConnector as _, HttpRequestBody, ReqwestConnector};
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer as _};
use serde::Deserialize;

/// How long a signature is good.
const VALID: Duration = Duration::from_mins(5);
/// How often a request is tried.
const TRIES: u32 = 4;

/// Sends requests that are signed in their addresses.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    s3: AmazonS3,
    http: HttpClient,
}

/// A part of a multipart upload.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Part {
    #[serde(rename = "PartNumber")]
    pub(super) number: usize,
    #[serde(rename = "ETag")]
    pub(super) e_tag: Option<String>,
    pub(super) size: u64,
}

/// A multipart upload that was begun and neither completed nor aborted.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Unfinished {
    pub(super) key: String,
    pub(super) upload_id: String,
    pub(super) initiated: DateTime<Utc>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ListParts {
    is_truncated: bool,
    next_part_number_marker: Option<String>,
    #[serde(rename = "Part")]
    parts: Vec<Part>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ListUploads {
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_upload_id_marker: Option<String>,
    #[serde(rename = "Upload")]
    uploads: Vec<Unfinished>,
}

impl Raw {
    pub(super) fn new(s3: AmazonS3, options: &ClientOptions) -> object_store::Result<Self> {
        let http = ReqwestConnector::default().connect(options)?;
        Ok(Self { s3, http })
    }

    /// The parts of a multipart upload, by their numbers (`ListParts`). None if it is not there.
    pub(super) async fn parts(&self, path: &Path, id: &str) -> object_store::Result<Vec<Part>> {
        let mut parts = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let mut query = vec![("uploadId", id)];
            query.extend(marker.as_deref().map(|at| ("part-number-marker", at)));
            let page: ListParts = match self.get(path, &query).await {
                Ok(page) => page,
                Err(object_store::Error::NotFound { .. }) => return Ok(Vec::new()),
                Err(error) => return Err(error),
            };
            parts.extend(page.parts);
            marker = page.next_part_number_marker;
            if !page.is_truncated || marker.is_none() {
                break;
            }
        }
        parts.sort_unstable_by_key(|part| part.number);
        Ok(parts)
    }

    /// All multipart uploads below `prefix` that are not finished (`ListMultipartUploads`).
    pub(super) async fn unfinished(&self, prefix: &str) -> object_store::Result<Vec<Unfinished>> {
        let mut uploads = Vec::new();
        let mut marker: Option<(String, String)> = None;
        loop {
            let mut query = vec![("uploads", ""), ("prefix", prefix)];
            if let Some((key, id)) = &marker {
                query.extend([("key-marker", key.as_str()), ("upload-id-marker", id)]);
            }
            let page: ListUploads = self.get(&Path::default(), &query).await?;
            uploads.extend(page.uploads);
            let next = page
                .next_key_marker
                .map(|key| (key, page.next_upload_id_marker.unwrap_or_default()));
            if !page.is_truncated || next.is_none() || next == marker {
                return Ok(uploads);
            }
            marker = next;
        }
    }

    /// Whether the service lets scripts of pages of `origin` read what is at `url`. It is asked as
    /// browsers ask (Fetch standard, CORS-preflight).
    pub(super) async fn lets_read(&self, url: &str, origin: &str) -> object_store::Result<bool> {
        let request = Request::options(url)
            .header(ORIGIN, origin)
            .header(ACCESS_CONTROL_REQUEST_METHOD, "GET")
            .body(HttpRequestBody::empty())
            .map_err(generic)?;
        let response = self.http.execute(request).await.map_err(generic)?;
        let allowed = response.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN);
        let allowed = allowed.is_some_and(|allowed| allowed == "*" || allowed == origin);
        Ok(response.status().is_success() && allowed)
    }

    async fn get<T: for<'a> Deserialize<'a>>(
        &self,
        path: &Path,
        query: &[(&str, &str)],
    ) -> object_store::Result<T> {
        let mut wait = Duration::from_millis(100);
        for _ in 1..TRIES {
            match self.get_once(path, query).await {
                Err(error @ object_store::Error::Generic { .. }) => {
                    tracing::debug!(%error, "asking the store again");
                    tokio::time::sleep(wait).await;
                    wait *= 4;
                }
                done => return done,
            }
        }
        self.get_once(path, query).await
    }

    async fn get_once<T: for<'a> Deserialize<'a>>(
        &self,
        path: &Path,
        query: &[(&str, &str)],
    ) -> object_store::Result<T> {
        let options = SignedUrlOptions::new().with_query(query.iter().copied());
        let url = self.s3.signed_url_opts(Method::GET, path, VALID, &options);
        let request = Request::get(url.await?.as_str()).body(HttpRequestBody::empty());
        let request = request.map_err(generic)?;
        let response = self.http.execute(request).await.map_err(generic)?;
        let status = response.status();
        let body = response.into_body().bytes().await.map_err(generic)?;
        let text = String::from_utf8_lossy(&body);
        if status.is_success() {
            return quick_xml::de::from_str(&text).map_err(generic);
        }
        let source = format!("Server returned non-2xx status code: {status}: {text}").into();
        let path = path.to_string();
        Err(match status.as_u16() {
            404 => object_store::Error::NotFound { path, source },
            403 => object_store::Error::PermissionDenied { path, source },
            501 => object_store::Error::NotSupported { source },
            _ => object_store::Error::Generic {
                store: "S3",
                source,
            },
        })
    }
}

fn generic(error: impl std::error::Error + Send + Sync + 'static) -> object_store::Error {
    object_store::Error::Generic {
        store: "S3",
        source: Box::new(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let parts: ListParts = quick_xml::de::from_str(
            r#"<?xml version="1.0" encoding="UTF-8"?>
            <ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
              <Bucket>b</Bucket><Key>k</Key><UploadId>u</UploadId>
              <Owner><ID>o</ID></Owner><StorageClass>STANDARD</StorageClass>
              <PartNumberMarker>1</PartNumberMarker>
              <NextPartNumberMarker>3</NextPartNumberMarker>
              <MaxParts>2</MaxParts><IsTruncated>true</IsTruncated>
              <Part><PartNumber>2</PartNumber><LastModified>2010-11-10T20:48:34.000Z</LastModified>
                <ETag>"7778aef83f66abc1fa1e8477f296d394"</ETag><Size>10485760</Size></Part>
              <Part><PartNumber>3</PartNumber><Size>7</Size></Part>
            </ListPartsResult>"#,
        )
        .unwrap();
        assert!(parts.is_truncated);
        assert_eq!(parts.next_part_number_marker.as_deref(), Some("3"));
        assert_eq!(parts.parts[0].size, 10_485_760);
        assert_eq!(parts.parts[1].e_tag, None);

        let uploads: ListUploads = quick_xml::de::from_str(
            r"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>
              <Upload><Key>a/b</Key><UploadId>x</UploadId>
                <Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload>
            </ListMultipartUploadsResult>",
        )
        .unwrap();
        assert_eq!(uploads.uploads[0].upload_id, "x");
        let none: ListUploads = quick_xml::de::from_str("<ListMultipartUploadsResult/>").unwrap();
        assert!(none.uploads.is_empty());
    }
}
