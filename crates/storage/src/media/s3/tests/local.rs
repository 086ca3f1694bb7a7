//! An S3 service in this process, in a folder: `s3s-fs`.

use std::path::Path;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::super::S3Options;
use crate::media::s3::Credentials;

/// The service. It ends with the test.
pub(super) struct Local {
    folder: TempDir,
    port: u16,
    running: Option<tokio::task::JoinHandle<()>>,
}

impl Local {
    /// A service that runs, with an empty bucket.
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("films")).unwrap();
        let mut local = Self {
            folder,
            port: 0,
            running: None,
        };
        local.run().await;
        local
    }

    /// Starts it again at the same address.
    pub(super) async fn run(&mut self) {
        let listener = loop {
            match TcpListener::bind(("127.0.0.1", self.port)).await {
                Ok(listener) => break listener,
                // Connections of the one before may linger.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        self.port = listener.local_addr().unwrap().port();
        let service = service(self.folder.path());
        self.running = Some(tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(service.clone(), stream));
            }
        }));
    }

    /// Ends it in the middle of whatever it does.
    pub(super) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            let _ = running.await;
        }
    }

    pub(super) fn options(&self) -> S3Options {
        S3Options {
            bucket: "films".into(),
            prefix: "clips/of-mine".into(),
            endpoint: Some(format!("http://127.0.0.1:{}", self.port)),
            credentials: Some(Credentials {
                access_key: "who".into(),
                secret_key: "secret".into(),
            }),
            redirect: true,
            ..S3Options::default()
        }
    }

    /// Files that are left in the bucket and beside it, parts of uploads included.
    pub(super) fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        collect(self.folder.path(), &mut files);
        files
    }
}

fn service(folder: &Path) -> S3Service {
    let files = s3s_fs::FileSystem::new(folder).unwrap();
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single("who", "secret"));
    builder.build()
}

async fn serve(service: S3Service, stream: TcpStream) {
    // A client that goes away is no concern of the service's.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn collect(folder: &Path, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path.display().to_string());
        }
    }
}
