//! TLS that goes on with a bad certificate, and says what is wrong with it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error as TlsError, RootCertStore,
    SignatureScheme, StreamOwned,
};

use super::target::Connection;
use crate::commands::exit::UsageError;

/// How to speak TLS.
#[derive(Debug)]
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    verifier: Arc<Noting>,
}

impl Tls {
    /// `ca` is a file with certificates to trust besides those of the system.
    pub(super) fn new(ca: Option<&Path>) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        // What cannot be read is missing, and then the certificate is not trusted, which is told.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(file) = ca {
            let unreadable = |error| UsageError(format!("--proxy-ca: {}: {error}", file.display()));
            for certificate in CertificateDer::pem_file_iter(file).map_err(unreadable)? {
                roots.add(certificate.map_err(unreadable)?)?;
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let inner = if roots.is_empty() {
            None
        } else {
            let roots = Arc::new(roots);
            Some(WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build()?)
        };
        let verifier = Arc::new(Noting {
            inner,
            schemes: provider
                .signature_verification_algorithms
                .supported_schemes(),
            trouble: Mutex::default(),
        });
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            verifier,
        })
    }

    /// What is wrong with the certificate that was shown, if anything.
    pub(super) fn trouble(&self) -> Option<String> {
        self.verifier.trouble()
    }

    /// Speaks it over a socket.
    pub(super) fn wrap(
        &self,
        stream: TcpStream,
        host: &str,
    ) -> anyhow::Result<Box<dyn Connection>> {
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(name.to_owned())?;
        let session = ClientConnection::new(self.config.clone(), name)?;
        Ok(Box::new(StreamOwned::new(session, Patient(stream))))
    }
}

/// A socket that says nothing of what the other side does not take any more. Otherwise TLS would not
/// read the answer that says why.
struct Patient(TcpStream);

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
                ) =>
            {
                Ok(bytes.len())
            }
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Notes what is wrong with a certificate and goes on: the other checks are worth making, and they
/// send nothing that nobody may read.
#[derive(Debug)]
struct Noting {
    /// `None` if this machine trusts nobody.
    inner: Option<Arc<WebPkiServerVerifier>>,
    schemes: Vec<SignatureScheme>,
    trouble: Mutex<Option<String>>,
}

impl Noting {
    fn note(&self, trouble: &impl ToString) {
        let mut noted = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        noted.get_or_insert(trouble.to_string());
    }

    fn trouble(&self) -> Option<String> {
        let noted = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        noted.clone()
    }
}

impl ServerCertVerifier for Noting {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        match &self.inner {
            None => self.note(&"this machine knows no certificate authorities"),
            Some(inner) => {
                if let Err(error) = inner.verify_server_cert(certificate, chain, name, ocsp, now) {
                    self.note(&error);
                }
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        match &self.inner {
            Some(inner) => inner.verify_tls12_signature(message, certificate, signed),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        match &self.inner {
            Some(inner) => inner.verify_tls13_signature(message, certificate, signed),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}
