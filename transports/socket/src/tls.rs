use std::{error::Error, path::PathBuf, sync::Arc};

use futures_rustls::{
    TlsConnector,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    rustls::{ClientConfig, RootCertStore, crypto::ring},
};

/// Why TLS could not be set up.
pub type TlsError = Box<dyn Error + Send + Sync>;

/// What TLS is set up with, besides the authorities of the system.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Files of certificates, in PEM, of authorities to trust.
    pub roots: Vec<PathBuf>,
    /// The files of a certificate and its key, in PEM, that a server asks clients for.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

/// Sets up TLS, from [`Tls::connector`].
#[derive(Clone)]
pub struct Connector(pub(crate) TlsConnector);

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// One cannot be read, or is no certificate or key.
    pub fn connector(&self) -> Result<Connector, TlsError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for path in &self.roots {
            for certificate in CertificateDer::pem_file_iter(path)? {
                roots.add(certificate?)?;
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let config = match &self.certificate {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = CertificateDer::pem_file_iter(certificate)?;
                let chain = chain.collect::<Result<Vec<_>, _>>()?;
                config.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key)?)?
            }
        };
        Ok(Connector(Arc::new(config).into()))
    }
}
