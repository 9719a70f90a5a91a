use std::{fs, path::PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;

/// A private authority, and what it has signed: one certificate for a server at `localhost`, one
/// for a client.
pub struct Certificates(TempDir);

impl Certificates {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, pem: String| {
            fs::write(folder.path().join(name), pem).expect("a file");
        };
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority = CertifiedIssuer::self_signed(params, key()).expect("an authority");
        write("ca.pem", authority.pem());
        for (name, host) in [("server", "localhost"), ("client", "a-client")] {
            let key = key();
            let params = CertificateParams::new([host.to_owned()]).expect("a name");
            let certificate = params.signed_by(&key, &authority).expect("a certificate");
            write(&format!("{name}.pem"), certificate.pem());
            write(&format!("{name}.key"), key.serialize_pem());
        }
        Self(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The configuration of a server with these, which may want a client's certificate.
    pub fn config(&self, verify: bool) -> String {
        let path = |name| self.path(name).display().to_string();
        format!(
            "tls {{ cert_file: '{}', key_file: '{}', ca_file: '{}', verify: {verify} }}",
            path("server.pem"),
            path("server.key"),
            path("ca.pem")
        )
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}
