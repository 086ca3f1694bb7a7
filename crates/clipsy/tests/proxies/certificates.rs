//! An authority of a test's own, and a certificate for this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the files are.
#[derive(Debug)]
pub(crate) struct Certificates {
    /// Of the authority.
    pub(crate) ca: PathBuf,
    /// For `localhost`.
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificates {
    pub(crate) fn make(folder: &Path) -> Self {
        let path = |name: &str| folder.join(name);
        let openssl = |args: &[&str]| {
            let done = Command::new("openssl")
                .args(args)
                .current_dir(folder)
                .output()
                .unwrap();
            assert!(done.status.success(), "openssl {args:?}: {done:?}");
        };
        let curve = [
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ];
        let with = |more: &[&'static str]| [&["req"], &curve[..], more].concat();
        openssl(&with(&[
            "-x509",
            "-days",
            "30",
            "-subj",
            "/CN=test authority",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ]));
        openssl(&with(&[
            "-subj",
            "/CN=localhost",
            "-keyout",
            "leaf.key",
            "-out",
            "leaf.csr",
        ]));
        fs::write(
            path("leaf.ext"),
            "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
        )
        .unwrap();
        openssl(&[
            "x509",
            "-req",
            "-in",
            "leaf.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "30",
            "-extfile",
            "leaf.ext",
            "-out",
            "leaf.pem",
        ]);
        Self {
            ca: path("ca.pem"),
            certificate: path("leaf.pem"),
            key: path("leaf.key"),
        }
    }
}
